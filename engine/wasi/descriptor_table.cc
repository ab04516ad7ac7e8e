#include "engine/wasi/descriptor_table.h"

#include <utility>

#include "engine/wasi/limits.h"

namespace tidepool::engine::wasi {

Descriptor* DescriptorTable::Find(uint32_t number) {
  return number < slots_.size() ? slots_[number].get() : nullptr;
}

bool DescriptorTable::full() const {
  return open_count_ >= limits::kDescriptorsMax;
}

Errno DescriptorTable::Add(Descriptor descriptor, uint32_t* number) {
  if (full()) return Errno::kMfile;
  uint32_t free = 0;
  while (free < slots_.size() && slots_[free] != nullptr) ++free;
  if (free == slots_.size()) slots_.emplace_back();
  slots_[free] = std::make_unique<Descriptor>(std::move(descriptor));
  ++open_count_;
  *number = free;
  return Errno::kSuccess;
}

Errno DescriptorTable::Close(uint32_t number) {
  if (Find(number) == nullptr) return Errno::kBadf;
  slots_[number] = nullptr;
  --open_count_;
  return Errno::kSuccess;
}

Errno DescriptorTable::Renumber(uint32_t from, uint32_t to) {
  if (Find(from) == nullptr || Find(to) == nullptr) return Errno::kBadf;
  if (from == to) return Errno::kSuccess;
  slots_[to] = std::move(slots_[from]);
  --open_count_;
  return Errno::kSuccess;
}

}  // namespace tidepool::engine::wasi
