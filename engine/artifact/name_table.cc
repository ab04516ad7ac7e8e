#include "engine/artifact/name_table.h"

#include <cstring>

namespace tidepool::engine {

NameTable::NameTable(absl::Span<const uint8_t> bytes) {
  uint32_t name_count;
  if (bytes.size() < sizeof(name_count)) return;
  std::memcpy(&name_count, bytes.data(), sizeof(name_count));
  const uint64_t entries_bytes = uint64_t{name_count} * sizeof(Entry);
  if (entries_bytes > bytes.size() - sizeof(name_count)) return;
  entries_ = bytes.data() + sizeof(name_count);
  name_count_ = name_count;
  strings_ = bytes.subspan(sizeof(name_count) + entries_bytes);
}

absl::string_view NameTable::Find(uint32_t function) const {
  uint32_t low = 0;
  uint32_t high = name_count_;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    Entry entry;
    std::memcpy(&entry, entries_ + uint64_t{middle} * sizeof(Entry), sizeof(Entry));
    if (entry.function < function) {
      low = middle + 1;
    } else if (entry.function > function) {
      high = middle;
    } else {
      if (uint64_t{entry.offset_bytes} + entry.name_bytes > strings_.size()) return {};
      return {reinterpret_cast<const char*>(strings_.data()) + entry.offset_bytes,
              entry.name_bytes};
    }
  }
  return {};
}

}  // namespace tidepool::engine
