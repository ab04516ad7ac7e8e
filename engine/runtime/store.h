// Store: one or more instances that share storage, and end or are reset together.
//
// Life     Made over a StoreStorage and optional limits; Instantiate adds instances.
//
//            Instantiate … ─ used ─ storage reset ─ BeginLease ─ Reinitialize ─ used ─ storage reset …
//
//          In the pool a Store lives as long as its warm storage.  A reset is RestoreState for every
//          instance (state.h) and the memories put back; it is the provider's affair.
//          The destructor does not touch the storage.
// Threads  One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/runtime/activation.h"
#include "engine/runtime/instance.h"
#include "engine/runtime/linker.h"
#include "engine/runtime/module.h"
#include "engine/runtime/store_storage.h"
#include "engine/runtime/trap.h"

namespace tidepool::engine {

// Checked at instantiation and by memory.grow and table.grow.
struct StoreLimits {
  uint64_t memory_bytes_max = UINT64_MAX;    // All memories of the store together.
  uint64_t table_elements_max = UINT64_MAX;  // Each table.
};

// What the limits refused during the current lease; 0 = nothing.
struct StoreRefusals {
  uint64_t memory_bytes = 0;    // The total that was asked for.
  uint64_t table_elements = 0;
};

// Address space in which a fault at a memory access of this store's code is that guest's.
struct AddressRange {
  uintptr_t begin = 0;
  uint64_t bytes = 0;
};

class Store {
 public:
  explicit Store(StoreStorage& storage, StoreLimits limits = {});
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Links, takes storage, writes the initial state, applies the segments that are not in the image
  // and runs the start function on `activation`.  Status: not linkable (FailedPrecondition, naming
  // every import that does not fit), a limit (ResourceExhausted, naming it) or no storage; the store
  // is then as before.  Trap: what segments or start function did; the instance stays, as other
  // instances may already refer to it.
  absl::StatusOr<std::variant<Instance*, Trap>> Instantiate(std::shared_ptr<const Module> module,
                                                            const ImportBindings& imports,
                                                            Activation& activation);

  // After a reset: another life for the same instances, under other limits.  Forgets refusals and
  // host_data.  ResourceExhausted, as in Instantiate, when what the instances begin with exceeds the
  // limits: the store must not be used then, except to call this again.  Allocates nothing when OK.
  absl::Status BeginLease(const StoreLimits& limits);
  // Then, for each instance in order: applies its segments and runs its start function again.  Nothing
  // to do where no module needs_initialization().
  std::optional<Trap> Reinitialize(Activation& activation);

  absl::Span<const std::unique_ptr<Instance>> instances() const { return instances_; }

  // What host functions find through HostCall::store; set per lease.
  void* host_data() const { return host_data_; }
  void set_host_data(void* host_data) { host_data_ = host_data; }

  const StoreLimits& limits() const { return limits_; }
  void set_limits(const StoreLimits& limits) { limits_ = limits; }
  const StoreRefusals& refusals() const { return refusals_; }
  uint64_t memory_bytes() const { return memory_bytes_; }  // All memories of the store, now.

 private:
  friend class StoreAccess;  // The runtime's own door (store_internal.h).
  absl::Status CheckLinks(const Module& module, const ImportBindings& imports) const;
  absl::Status CheckInitialSizes(const Module& module);
  Instance& AddInstance(std::shared_ptr<const Module> module, const ImportBindings& imports,
                        const InstanceStorage& storage);
  void AddReservation(const abi::MemoryRecord& memory);

  StoreStorage& storage_;
  StoreLimits limits_;
  StoreRefusals refusals_;
  uint64_t memory_bytes_ = 0;
  void* host_data_ = nullptr;
  std::vector<std::unique_ptr<Instance>> instances_;
  // Of all memories that instances define or import.  Read by the trap handler, on this thread;
  // changed only while no guest of this store runs.
  absl::InlinedVector<AddressRange, 2> reservations_;
};

}  // namespace tidepool::engine
