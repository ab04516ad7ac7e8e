// GrowthStrategy: how a memory gets more pages, and how they are taken back.
//
//                 grow                        take back                     a bystander's cost
//   ftruncate     file longer: 0.25 µs        file to 0: 3.6 µs, 45 with    none
//                                             two threads
//   mprotect      0.4–0.8 µs, 9 with two      drop, then PROT_NONE          page faults 8 % slower
//   none          nothing                     drop                          none
//   (../shared/limits, grow)
//
// What is taken back is inaccessible again (none: zero again), and zero when it is grown into anew.
//
// Threads  Stateless; the slot's owner calls.
// Errors   Grow: on failure nothing has changed.  TakeBack, Prepare: on failure the contents and
//          the access of what lies beyond the initial size are unknown.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "pool/memory/memory_ops.h"
#include "pool/memory/slot_memory.h"
#include "pool/memory/strategies.h"

namespace tidepool::pool {

class GrowthStrategy {
 public:
  virtual ~GrowthStrategy() = default;
  virtual GrowthKind kind() const = 0;
  // Once, when an image was mapped: `memory` is accessible to its initial size.
  virtual absl::Status Prepare(MemoryOps& ops, SlotMemory& memory) const = 0;
  // To new_bytes, a multiple of the host page, above accessible_bytes and at most bytes_max.
  virtual absl::Status Grow(MemoryOps& ops, SlotMemory& memory, uint64_t new_bytes) const = 0;
  // Back to the initial size.
  virtual absl::Status TakeBack(MemoryOps& ops, SlotMemory& memory) const = 0;
  // How far loads and stores can succeed in a clean memory: beyond, they fault.
  virtual uint64_t OpenBytes(const SlotMemory& memory) const { return memory.initial_bytes(); }
};

// Immutable, one of each kind.
const GrowthStrategy& GrowthStrategyOf(GrowthKind kind);

}  // namespace tidepool::pool
