// OwnedStorage: a StoreStorage of plain mappings, for tests, tools and the C API.  The daemon's is
// the pool.
//
// Shape    Per memory a reservation of its own: kGuardReachBytes for guarded memories, otherwise what
//          it may grow to (at most Options::reservation_bytes_max), each followed by a guard page.  The
//          image is copied in.  Growth is mprotect(2).
// Life     Outlives the stores made over it.  Everything is unmapped at its end.
// Threads  That of the store.
// Errors   ResourceExhausted: the kernel refused address space or memory, or the initial size exceeds
//          reservation_bytes_max; nothing is kept then.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/platform/mapped_region.h"
#include "engine/runtime/store_storage.h"

namespace tidepool::engine {

class OwnedStorage final : public StoreStorage, private MemoryGrower {
 public:
  struct Options {
    // For memories without guard pages: a 64-bit one may declare more than any host has.
    uint64_t reservation_bytes_max = uint64_t{64} << 30;
  };
  OwnedStorage() = default;
  explicit OwnedStorage(const Options& options) : options_(options) {}

  absl::StatusOr<InstanceStorage> Provide(const Module& module) override;
  // What Provide gave out, in order: for RestoreState and VerifyState.
  const std::vector<InstanceStorage>& provided() const { return provided_; }

 private:
  struct Memory {
    MappedRegion region;
    uint64_t initial_bytes;
    uint64_t accessible_bytes;  // A multiple of the host page.
  };
  absl::Status Grow(uint64_t ordinal, uint64_t old_bytes, uint64_t new_bytes) override;
  absl::StatusOr<Memory> MakeMemory(const Module& module, uint32_t defined) const;

  Options options_;
  std::vector<Memory> memories_;  // By MemoryStorage::ordinal.
  std::vector<MappedRegion> states_;
  std::vector<InstanceStorage> provided_;
};

}  // namespace tidepool::engine
