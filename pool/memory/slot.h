// A Slot is one place in the slab: room for one linear memory and the gap after it (picture:
// slot_memory.h).  It is in exactly one state, and every edge is one function:
//
//   kUnmapped ──Prepare──► kClean ──Lend──► kLeased ──BeginReset──► kResetting
//       ▲  ▲                 ▲ │               Grow                   │    │
//       │  └────Decommit─────┼─┘                                      │    │
//       │                    └──────────────EndReset(OK)──────────────┘    │
//       │                                                                  │
//       └──Remap── kQuarantined ◄── EndReset(not OK), Condemn, and any of Prepare, Decommit, Remap
//                                   whose system call failed
//
// Clean    Every byte equals the image or zero up to the initial size; nothing beyond is accessible;
//          ClaimOf + VerifyMemory prove it.
// Quarantined  What it holds is unknown.  It is lent again only after Remap replaced every mapping.
//
// Units    Bytes; all sizes are multiples of the host page.
// Threads  One owner at a time: the worker whose pool it belongs to, or its lease on that thread.
// Errors   As the kernel says; the state tells what is true afterwards.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "pool/memory/growth.h"
#include "pool/memory/ids.h"
#include "pool/memory/ledger.h"
#include "pool/memory/memory_image.h"
#include "pool/memory/memory_ops.h"
#include "pool/memory/reset.h"
#include "pool/memory/slot_memory.h"
#include "pool/memory/verify.h"

namespace tidepool::pool {

// What all slots of a pool share.  Outlives them.
struct SlotContext {
  MemoryOps& ops;
  const GrowthStrategy& growth;
  const ResetStrategy& reset;
  Ledger& ledger;
};

class Slot {
 public:
  Slot(const SlotContext& context, SlotIndex index, uint8_t* base, uint64_t reservation_bytes);
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  SlotIndex index() const { return index_; }
  SlotState state() const { return state_; }
  uint8_t* base() const { return memory_.base; }
  uint64_t reservation_bytes() const { return memory_.reservation_bytes; }
  uint64_t accessible_bytes() const { return memory_.accessible_bytes; }
  const MemoryImage* image() const { return memory_.image.get(); }

  // kUnmapped → kClean, holding `image`, able to grow to bytes_max (rounded down to host pages; at
  // least the image, at most the reservation).
  absl::Status Prepare(std::shared_ptr<const MemoryImage> image, uint64_t bytes_max);
  // kClean → kLeased.
  void Lend();
  // kLeased.  Beyond bytes_max: ResourceExhausted.  Not OK: nothing has changed.
  absl::Status Grow(uint64_t new_bytes);
  // kLeased → kResetting, and the reset itself.
  absl::Status BeginReset();
  // kResetting → kClean, or kQuarantined when the reset failed or a proof found it wrong.
  void EndReset(bool clean);
  // kClean → kUnmapped: everything is inaccessible, the image and all memory are given back.
  absl::Status Decommit();
  // kClean or kLeased → kQuarantined: its storage is not to be trusted.
  void Condemn();
  // kQuarantined → kUnmapped: every mapping is replaced, the growth file closed.
  absl::Status Remap();

  // What a clean slot must look like; kClean or kResetting.
  MemoryClaim ClaimOf() const;

 private:
  void Move(SlotState to);
  absl::Status MoveToQuarantine(absl::Status cause);

  const SlotContext& context_;
  const SlotIndex index_;
  SlotState state_ = SlotState::kUnmapped;
  SlotMemory memory_;
};

}  // namespace tidepool::pool
