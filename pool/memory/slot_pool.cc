#include "pool/memory/slot_pool.h"

#include <algorithm>

#include "absl/memory/memory.h"
#include "engine/support/check.h"
#include "engine/support/status_macros.h"

namespace tidepool::pool {

absl::StatusOr<std::unique_ptr<SlotPool>> SlotPool::Create(const SlotContext& context,
                                                           const SlabLayout& layout) {
  TP_ASSIGN_OR_RETURN(std::unique_ptr<Slab> slab, Slab::Reserve(context.ops, layout));
  return absl::WrapUnique(new SlotPool(context, std::move(slab)));
}

SlotPool::SlotPool(const SlotContext& context, std::unique_ptr<Slab> slab)
    : context_(context), slab_(std::move(slab)) {
  const SlabLayout& layout = slab_->layout();
  free_.reserve(layout.slot_count());
  quarantine_.reserve(layout.slot_count());
  for (uint64_t i = 0; i < layout.slot_count(); ++i) {
    const auto index = static_cast<SlotIndex>(i);
    free_.push_back(
        &slots_.emplace_back(context_, index, slab_->BaseOf(index), layout.stride_bytes()));
  }
  std::reverse(free_.begin(), free_.end());  // Slot 0 first: low addresses are used first.
  context_.ledger.Open(layout.slot_count());
}

SlotPool::~SlotPool() { TP_CHECK(free_.size() + quarantine_.size() == slots_.size()); }

Slot* SlotPool::Take() {
  if (free_.empty()) return nullptr;
  Slot* slot = free_.back();
  free_.pop_back();
  return slot;
}

void SlotPool::Return(Slot* slot) {
  if (slot->state() == SlotState::kUnmapped) {
    free_.push_back(slot);
    return;
  }
  // We no longer know what the slot holds.  Lending it could show one tenant another's memory, so
  // it waits for a full remap instead.
  TP_CHECK(slot->state() == SlotState::kQuarantined);
  quarantine_.push_back(slot);
}

SlotPool::Repaired SlotPool::RepairQuarantined() {
  Repaired repaired;
  for (size_t i = quarantine_.size(); i-- > 0;) {
    Slot* slot = quarantine_[i];
    if (!slot->Remap().ok()) {
      ++repaired.failed;
      continue;
    }
    ++repaired.remapped;
    quarantine_.erase(quarantine_.begin() + static_cast<ptrdiff_t>(i));
    free_.push_back(slot);
  }
  return repaired;
}

}  // namespace tidepool::pool
