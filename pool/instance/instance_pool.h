// InstancePool: instances ready to be called, lent for one invocation and taken back clean.
//
//   Take(tenant, module)                          Lease ends
//     warm: the last used storage of the same       reset in place, proved at the sampling rate
//           (tenant, module, imports)                 → warm again: top of its shelf
//     cold: free slots, else the storage that         → or quarantined, all of it
//           was idle longest is given up
//
// Storage that passes to another module or tenant is decommitted first: every mapping is replaced,
// every growth file emptied, the state area zero.  A warm lease of the same module changes no
// mapping, allocates nothing, and makes one system call to reset (two when the guest grew).
//
// Life     Outlives its leases, stacks and PooledStorages.  `Maintain` from time to time.
// Threads  One thread: the worker's.  `stats`, `ledger`: any thread.
// Errors   Take: Unavailable: no slot, state area or budget now; the caller queues.
//          ResourceExhausted: this module can never fit this pool, or the lease's limits; sizes are
//          named.  FailedPrecondition: imports do not fit, or the module relies on guards that
//          pool.growth=none does not give.
//          Create: also what CheckCapacity and CheckStrategies say.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/runtime/activation.h"
#include "engine/runtime/linker.h"
#include "engine/runtime/module.h"
#include "engine/runtime/store.h"
#include "pool/instance/lease.h"
#include "pool/instance/pool_options.h"
#include "pool/memory/ids.h"
#include "pool/memory/ledger.h"
#include "pool/memory/stats.h"

namespace tidepool::pool {

struct TakeOptions {
  engine::StoreLimits limits;
  void* host_data = nullptr;
  // Where the start function runs, when the module has one.  Required.
  engine::Activation* activation = nullptr;
};

// One storage, for `tidectl pool`.
struct StorageReport {
  TenantId tenant = kNoTenant;
  uint64_t module_id = 0;
  SlotState state = SlotState::kUnmapped;
  uint32_t slot_count = 0;
  uint64_t accessible_bytes = 0;
  uint64_t resident_bytes = 0;  // Private pages and growth; read from /proc, not cheap.
  uint64_t leases = 0;
};

class Storage;
class StoragePool;
class PooledStorage;

class InstancePool {
 public:
  static absl::StatusOr<std::unique_ptr<InstancePool>> Create(const PoolOptions& options);
  ~InstancePool();
  InstancePool(const InstancePool&) = delete;
  InstancePool& operator=(const InstancePool&) = delete;

  // `imports` are told apart by address: resolve once per module, then pass the same.
  absl::StatusOr<Lease> Take(TenantId tenant, const std::shared_ptr<const engine::Module>& module,
                             const std::shared_ptr<const engine::ImportBindings>& imports,
                             const TakeOptions& options);

  // OK, or why `module` can never be leased here: ask when it is deployed.
  absl::Status CheckFits(const engine::Module& module) const;

  // Gives up idle warm storage, longest idle first, until `bytes` of charge are back or none is
  // left.  Returns the bytes given back.
  uint64_t ReclaimIdle(uint64_t bytes);
  // Idle warm storage of one module, or of one tenant.  Returns how many storages were given up.
  uint64_t EvictModule(uint64_t module_id);
  uint64_t EvictTenant(TenantId tenant);
  // Remaps what is in quarantine.  Also done when Take would otherwise find no slot.  Returns how
  // many slots are back.
  uint64_t RepairQuarantined();

  // Proves all idle warm storage; what differs goes to quarantine.  Returns the first difference.
  absl::Status VerifyIdle();

  PoolStats stats() const;
  const Ledger& ledger() const;
  uint64_t charged_bytes(TenantId tenant) const;  // The pool's thread only, as the next.
  void ForEachStorage(const std::function<void(const StorageReport&)>& visit) const;
  // Counts the slots where they are (lists, shelves, leases) and compares with the ledger: 0, or the
  // number of slots that are lost, doubled or misplaced.
  uint64_t Audit() const;
  const PoolOptions& options() const;

 private:
  friend class Lease;
  friend class PooledStorage;
  struct Impl;
  explicit InstancePool(std::unique_ptr<Impl> impl);
  LeaseReceipt EndLease(Tenancy& tenancy);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidepool::pool
