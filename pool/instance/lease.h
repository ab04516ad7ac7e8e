// Lease: the right to use a store's storage (0…n memory slots, state areas) for one invocation.
//
// Life     Taken from an InstancePool: the storage is clean, the store ready, the instance
//          instantiated and started.  Ends with End or the destructor: the storage is reset, proved
//          clean at the pool's rate, and kept warm; or quarantined when its reset failed.
// Threads  That of its pool.  The guest must not be running when a lease ends.
// Errors   A lease always ends.  What went wrong is in its receipt and in the pool's stats.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "engine/runtime/instance.h"
#include "engine/runtime/store.h"
#include "engine/runtime/trap.h"
#include "pool/memory/strategies.h"

namespace tidepool::pool {

class InstancePool;
struct Tenancy;  // instance_pool_internal.h: one storage with its store, as the pool keeps it.

// How a lease ended.
struct LeaseReceipt {
  ResetKind reset = ResetKind::kMadvise;
  bool warm = false;          // The lease began on storage that held the module already.
  bool kept_warm = false;     // The storage waits for the next lease of its module.
  bool verified = false;      // Every byte was looked at after the reset.
  bool quarantined = false;
  uint64_t memory_bytes = 0;  // All memories of the store, at the end.
  absl::Status status;        // Of reset and verification.
};

class [[nodiscard]] Lease {
 public:
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&&) = delete;  // Two leases never merge; end one, then take another.
  ~Lease();

  engine::Store& store() const;
  engine::Instance& instance() const;
  // What the segments or the start function did, when they trapped: the instance may be looked at,
  // not called, and its storage is not kept warm.
  const std::optional<engine::Trap>& start_trap() const;
  bool warm() const;

  // Once; the destructor then has nothing to do.  `store` and `instance` are gone afterwards.
  LeaseReceipt End();

 private:
  friend class InstancePool;
  Lease(InstancePool* pool, Tenancy* tenancy) : pool_(pool), tenancy_(tenancy) {}
  InstancePool* pool_;  // Null once moved from or ended.
  Tenancy* tenancy_;
};

}  // namespace tidepool::pool
