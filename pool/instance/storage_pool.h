// StoragePool: everything that storages of one worker are made of: slots, state areas, images,
// charges, and the counts of what happened to them.
//
// Life     Outlives its storages.
// Threads  One thread: the worker's.  `stats`: any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/instance/charges.h"
#include "pool/instance/image_cache.h"
#include "pool/instance/pool_options.h"
#include "pool/instance/state_slab.h"
#include "pool/memory/process_map.h"
#include "pool/memory/slot_pool.h"
#include "pool/memory/stats.h"

namespace tidepool::pool {

class Storage;

// Gives up warm storage that nobody uses.
class Evictor {
 public:
  // The one that was idle longest (among those that have slots).  False: there is none.
  virtual bool EvictOldest(bool with_slots) = 0;
  virtual uint64_t ReclaimIdle(uint64_t bytes) = 0;

 protected:
  ~Evictor() = default;
};

// Counted by the worker, read by anyone.
struct PoolCounters {
  Counter leases_warm, leases_cold, leases_refused, evictions;
  Counter resets, resets_failed, verifications, verifications_failed, verify_nanoseconds;
  Counter quarantined_by_reset, quarantined_by_verify, quarantined_by_preparing;
  Counter remaps, remaps_failed;
  Counter grows, grows_refused;
};

class StoragePool {
 public:
  static absl::StatusOr<std::unique_ptr<StoragePool>> Create(const PoolOptions& options);
  ~StoragePool();
  StoragePool(const StoragePool&) = delete;
  StoragePool& operator=(const StoragePool&) = delete;

  const PoolOptions& options() const { return options_; }
  void set_evictor(Evictor* evictor) { evictor_ = evictor; }

  // OK, or why `module` can never have storage here.
  absl::Status CheckFits(const engine::Module& module) const;

  // Makes room for `slots` slots and one state area, evicting what is idle.  Unavailable: cannot.
  absl::Status MakeRoom(uint64_t slots);
  // Charges, giving back idle storage first where the budget has no room.
  bool Charge(TenantId tenant, uint64_t bytes);
  // Repairs all that is in quarantine; how many slots are back.
  uint64_t RepairQuarantined();
  // Whether this reset is to be proved, at PoolOptions::verify_rate.
  bool DrawVerification();
  absl::StatusOr<const ProcessMap*> process_map();

  SlotPool& slots() { return *slots_; }
  StateSlab& states() { return *states_; }
  ImageCache& images() { return images_; }
  Charges& charges() { return charges_; }
  const Charges& charges() const { return charges_; }
  PoolCounters& counters() { return counters_; }
  const Ledger& ledger() const { return ledger_; }

  void Register(Storage* storage) { storages_.push_back(storage); }
  void Unregister(Storage* storage);
  absl::Span<Storage* const> storages() const { return storages_; }

  PoolStats stats() const;
  // Slots that are not where the ledger says (instance_pool.h).
  uint64_t Audit() const;

 private:
  explicit StoragePool(const PoolOptions& options);

  const PoolOptions options_;
  KernelMemoryOps kernel_;
  UnlimitedBudget unlimited_;
  Ledger own_ledger_;
  MemoryOps& ops_;
  Ledger& ledger_;
  const SlotContext slot_context_;
  Charges charges_;
  ImageCache images_;
  PoolCounters counters_;
  Evictor* evictor_ = nullptr;
  std::unique_ptr<SlotPool> slots_;
  std::unique_ptr<StateSlab> states_;
  std::optional<ProcessMap> process_map_;
  std::vector<Storage*> storages_;
  uint64_t random_;
};

}  // namespace tidepool::pool
