// PoolStats: what a pool has counted since it was made.  Plain numbers for metrics and tests.
#pragma once

#include <cstdint>

#include "pool/memory/ledger.h"
#include "pool/memory/memory_ops.h"

namespace tidepool::pool {

struct PoolStats {
  LedgerCounts slots;
  int64_t drift = 0;  // slots.Drift(): must be 0.

  uint64_t leases_warm = 0;       // Took storage that already held the module.
  uint64_t leases_cold = 0;       // Storage was made ready first.
  uint64_t leases_refused = 0;    // Unavailable: no slot, no state area, no budget.
  uint64_t evictions = 0;         // Warm storage given up for another module, tenant or the budget.

  uint64_t resets = 0;
  uint64_t resets_failed = 0;
  uint64_t verifications = 0;
  uint64_t verifications_failed = 0;
  uint64_t verify_nanoseconds = 0;

  // Slots that went to quarantine, by cause.
  uint64_t quarantined_by_reset = 0;       // A system call of a reset failed.
  uint64_t quarantined_by_verify = 0;      // Reset said clean, Verify did not.
  uint64_t quarantined_by_preparing = 0;   // A system call that maps or unmaps failed.
  uint64_t remaps = 0;                     // Ways out of quarantine that worked…
  uint64_t remaps_failed = 0;              // …and that did not.

  uint64_t grows = 0;
  uint64_t grows_refused = 0;

  uint64_t images = 0;            // Alive now.
  uint64_t image_bytes = 0;       // Present in them.
  uint64_t charged_bytes = 0;     // What the budget was charged and has not got back.
  MemoryCallCounts calls;         // System calls on memory, by kind.
};

}  // namespace tidepool::pool
