// The runtime's own door into a Store and its instances.  Not for other folders.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/runtime/instance.h"
#include "engine/runtime/store.h"

namespace tidepool::engine {

class StoreAccess {
 public:
  explicit StoreAccess(Store& store) : store_(store) {}

  // The reservation of a memory of this store that holds `address`, or null.  Signal-safe.
  const AddressRange* FindReservation(uintptr_t address) const {
    for (const AddressRange& range : store_.reservations_) {
      if (address - range.begin < range.bytes) return &range;
    }
    return nullptr;
  }

  // Whether the limits allow `bytes` more memory; notes a refusal.
  bool MayAddMemory(uint64_t bytes);
  void AddMemory(uint64_t bytes) { store_.memory_bytes_ += bytes; }
  // Whether they allow a table of `elements`; notes a refusal.
  bool MayHaveTable(uint64_t elements);

 private:
  Store& store_;
};

}  // namespace tidepool::engine
