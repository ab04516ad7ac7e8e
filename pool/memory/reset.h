// ResetStrategy: how a slot that a guest has used becomes clean again.
//
//   madvise   the private part is dropped, growth is taken back: each part by what resets it
//             (MADV_DONTNEED resets nothing on a shared growth file; ftruncate resets it all)
//   remap     every mapping is replaced; knows nothing about the slot's past
//
// The learned working set and PAGEMAP_SCAN will join here: both put back known pages and change no
// mapping.
//
// Threads  Stateless; the slot's owner calls.
// Errors   Any: what the slot holds is unknown, and its state is then kQuarantined.
// Source   pool.md, "The finding that shapes everything"; madvise(2), ftruncate(2).
#pragma once

#include "absl/status/status.h"
#include "pool/memory/growth.h"
#include "pool/memory/memory_ops.h"
#include "pool/memory/slot_memory.h"
#include "pool/memory/strategies.h"

namespace tidepool::pool {

class ResetStrategy {
 public:
  virtual ~ResetStrategy() = default;
  virtual ResetKind kind() const = 0;
  // Afterwards memory is as MapImage left it: image and zeros up to the initial size, nothing
  // accessible beyond (GrowthStrategy::OpenBytes).
  virtual absl::Status Reset(MemoryOps& ops, const GrowthStrategy& growth,
                             SlotMemory& memory) const = 0;
};

// Immutable.  `kind` is one that CheckStrategies accepts.
const ResetStrategy& ResetStrategyOf(ResetKind kind);

// Maps memory.image at the slot's base, accessible to its initial size, over whatever was there.
absl::Status MapImage(MemoryOps& ops, const GrowthStrategy& growth, SlotMemory& memory);
// Makes the whole slot inaccessible and empties or closes its growth file, whatever was there.  The
// image stays noted; memory.accessible_bytes is 0 afterwards.
absl::Status UnmapAll(MemoryOps& ops, SlotMemory& memory);

}  // namespace tidepool::pool
