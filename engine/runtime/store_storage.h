// StoreStorage: where a store's memories, tables, globals and records lie.  The engine never
// allocates guest memory; whoever implements this does (the pool; OwnedStorage for tests and tools).
//
//   Provide(module) →  state area    [ VmContext, records, cells, table entries ]   zeros
//                      memories      [ image │ zeros │ ………… inaccessible ………… ]   one per defined memory
//
// Life     A store asks for storage at each Instantiate; all of it goes back together when the
//          store ends.  Storage that was reset (state.h) is used again by the same store, through
//          Store::BeginLease, and not asked for again.
// Threads  One thread at a time: that of the store.
#pragma once

#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace tidepool::engine {

class Module;

// Grows one memory of a store.  `ordinal` is MemoryStorage::ordinal.
class MemoryGrower {
 public:
  // Makes [base + old_bytes, base + new_bytes) accessible and zero.  Not OK (any code): memory.grow
  // gives -1 and nothing has changed.  new_bytes > old_bytes, both multiples of the memory's page.
  virtual absl::Status Grow(uint64_t ordinal, uint64_t old_bytes, uint64_t new_bytes) = 0;

 protected:
  ~MemoryGrower() = default;
};

struct MemoryStorage {
  uint8_t* base = nullptr;          // Non-null also for a memory of 0 bytes.
  uint64_t accessible_bytes = 0;    // The initial size.
  uint64_t reservation_bytes = 0;   // From base; every access that is not checked faults inside it.
  MemoryGrower* grower = nullptr;
  uint64_t ordinal = 0;
};

// What a module's instance needs.  Computed once per module (Module::shape()).
struct StorageShape {
  struct Memory {
    uint64_t initial_bytes = 0;
    uint64_t bytes_max = 0;    // Declared, or what the address type reaches.
    bool guarded = false;      // Needs kGuardReachBytes of reservation; otherwise bytes_max is enough.
  };
  absl::InlinedVector<Memory, 1> memories;  // Defined ones.
  uint64_t state_bytes = 0;                 // VmContext, records, and tables to their capacity;
                                            // a multiple of the host page.
};

struct InstanceStorage {
  uint8_t* state = nullptr;  // Page-aligned, StorageShape::state_bytes long, zeros.
  absl::InlinedVector<MemoryStorage, 1> memories;  // Defined ones, holding the module's image.
};

class StoreStorage {
 public:
  virtual ~StoreStorage() = default;
  // ResourceExhausted: a limit, named.  Unavailable: no room now.
  virtual absl::StatusOr<InstanceStorage> Provide(const Module& module) = 0;
};

}  // namespace tidepool::engine
