// Slab: one reservation of address space, cut into slots.
//
// Life     Reserved at start, PROT_NONE; unmapped with the object, when no slot is used any more.
// Threads  Immutable; what lies in a slot belongs to the slot's owner.
// Errors   Reserve: what mmap says (ResourceExhausted: no address space).
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "pool/memory/memory_ops.h"
#include "pool/memory/slab_layout.h"

namespace tidepool::pool {

class Slab {
 public:
  // `ops` must outlive the slab.
  static absl::StatusOr<std::unique_ptr<Slab>> Reserve(MemoryOps& ops, const SlabLayout& layout);
  ~Slab();
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  const SlabLayout& layout() const { return layout_; }
  uint8_t* BaseOf(SlotIndex slot) const { return base_ + layout_.OffsetOf(slot); }

 private:
  Slab(MemoryOps& ops, const SlabLayout& layout, uint8_t* base)
      : ops_(ops), layout_(layout), base_(base) {}
  MemoryOps& ops_;
  const SlabLayout layout_;
  uint8_t* const base_;
};

}  // namespace tidepool::pool
