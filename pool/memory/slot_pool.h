// SlotPool: the slots of one slab that hold nothing, and those that wait for a remap.
//
//   Take → the caller prepares, lends, resets, decommits → Return
//
// Life     A slot that was taken comes back kUnmapped or kQuarantined.  All slots are back when the
//          pool ends.
// Threads  One thread: the worker's.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "pool/memory/slab.h"
#include "pool/memory/slot.h"

namespace tidepool::pool {

class SlotPool {
 public:
  // Everything in `context` must outlive the pool.
  static absl::StatusOr<std::unique_ptr<SlotPool>> Create(const SlotContext& context,
                                                          const SlabLayout& layout);
  ~SlotPool();
  SlotPool(const SlotPool&) = delete;
  SlotPool& operator=(const SlotPool&) = delete;

  // A slot in kUnmapped, the last one that came back; null when there is none.
  Slot* Take();
  // kUnmapped: free again.  kQuarantined: to the quarantine.
  void Return(Slot* slot);
  // Remaps every quarantined slot; those whose remap fails stay.
  struct Repaired {
    uint64_t remapped = 0;
    uint64_t failed = 0;
  };
  Repaired RepairQuarantined();

  const SlabLayout& layout() const { return slab_->layout(); }
  uint64_t slot_count() const { return slots_.size(); }
  uint64_t free_count() const { return free_.size(); }
  uint64_t quarantined_count() const { return quarantine_.size(); }

 private:
  SlotPool(const SlotContext& context, std::unique_ptr<Slab> slab);
  const SlotContext context_;
  std::unique_ptr<Slab> slab_;
  std::deque<Slot> slots_;
  std::vector<Slot*> free_;        // Last in, first out: still in cache.
  std::vector<Slot*> quarantine_;
};

}  // namespace tidepool::pool
