// PoolOptions: how one worker's pool is made.  Settings of the same name are in pool.md and
// config/tidepool.toml.
#pragma once

#include <cstdint>

#include "pool/memory/capacity.h"
#include "pool/memory/kernel_features.h"
#include "pool/memory/ledger.h"
#include "pool/memory/memory_budget.h"
#include "pool/memory/memory_ops.h"
#include "pool/memory/strategies.h"

namespace tidepool::pool {

// 4 GiB and what a constant offset may reach beyond (engine/compiler/compile_options.h).
inline constexpr uint64_t kSlotBytesDefault = (uint64_t{4} << 30) + (uint64_t{32} << 20);

struct PoolOptions {
  uint64_t slot_count = 64;                     // pool.slots
  uint64_t slot_bytes = kSlotBytesDefault;      // pool.slot_bytes: address space of one slot
  uint64_t store_count = 0;                     // Instances at the same time, those without a
                                                // memory too; 0: pool.slots + 256.
  uint64_t state_bytes_max = uint64_t{4} << 20; // Of one instance: contexts, records, tables.
  GrowthKind growth = GrowthKind::kFtruncate;   // pool.growth
  ResetKind reset = ResetKind::kMadvise;        // pool.reset
  double verify_rate = 0;                       // pool.verify_rate: share of resets proved, 0…1
  KernelFeatures features;                      // KernelFeaturesFromSetting(pool.kernel_features)
  // May be null: the kernel's own, no limit, a ledger of its own.  Must outlive the pool.
  MemoryOps* ops = nullptr;
  MemoryBudget* budget = nullptr;
  Ledger* ledger = nullptr;
};

// What `workers` pools with these options need of the process, for CheckCapacity.  Stacks are the
// caller's to add.
CapacityNeeds CapacityNeedsOf(const PoolOptions& options, uint64_t workers);

}  // namespace tidepool::pool
