#include "engine/runtime/owned_storage.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/abi/guard_reach.h"
#include "engine/platform/syscall_error.h"
#include "engine/runtime/module.h"
#include "engine/support/status_macros.h"
#include "engine/support/units.h"

namespace tidepool::engine {
namespace {

constexpr int kReadWrite = PROT_READ | PROT_WRITE;

// Whatever the kernel's reason: the host cannot provide what the module is entitled to ask for.
absl::Status NoMemory(const Module& module, uint64_t bytes, const absl::Status& cause) {
  return absl::ResourceExhaustedError(
      absl::StrCat(module.name(), ": no room for a memory of ", bytes, " bytes: ",
                   cause.message()));
}

}  // namespace

absl::StatusOr<OwnedStorage::Memory> OwnedStorage::MakeMemory(const Module& module,
                                                              uint32_t defined) const {
  const StorageShape::Memory& shape = module.shape().memories[defined];
  const uint64_t reservation_bytes =
      shape.guarded ? kGuardReachBytes
                    : RoundUp(std::min(shape.bytes_max, options_.reservation_bytes_max),
                              kHostPageBytes);
  if (shape.initial_bytes > reservation_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(module.name(), ": a memory of ", shape.initial_bytes,
                     " bytes exceeds reservation_bytes_max=", options_.reservation_bytes_max));
  }
  absl::StatusOr<MappedRegion> region =
      MappedRegion::Anonymous(reservation_bytes + kHostPageBytes, PROT_NONE);
  if (!region.ok()) return NoMemory(module, shape.initial_bytes, region.status());

  const uint64_t accessible_bytes = RoundUp(shape.initial_bytes, kHostPageBytes);
  if (accessible_bytes != 0 &&
      ::mprotect(region->base(), accessible_bytes, kReadWrite) != 0) {
    return NoMemory(module, shape.initial_bytes, SyscallError("mprotect", "initial memory"));
  }
  for (const MemoryExtent& extent : module.info().memory_images) {
    if (extent.memory != defined) continue;
    // The last page of an extent may reach beyond a memory with small pages.
    const uint64_t bytes =
        std::min<uint64_t>(extent.bytes.size(), accessible_bytes - extent.offset_bytes);
    std::memcpy(region->base() + extent.offset_bytes, extent.bytes.data(), bytes);
  }
  return Memory{.region = *std::move(region),
                .initial_bytes = shape.initial_bytes,
                .accessible_bytes = accessible_bytes};
}

absl::StatusOr<InstanceStorage> OwnedStorage::Provide(const Module& module) {
  InstanceStorage storage;
  std::vector<Memory> memories;
  for (uint32_t i = 0; i < module.shape().memories.size(); ++i) {
    TP_ASSIGN_OR_RETURN(Memory memory, MakeMemory(module, i));
    storage.memories.push_back(
        {.base = memory.region.base(),
         .accessible_bytes = memory.initial_bytes,
         .reservation_bytes = memory.region.bytes() - kHostPageBytes,
         .grower = this,
         .ordinal = memories_.size() + memories.size()});
    memories.push_back(std::move(memory));
  }
  absl::StatusOr<MappedRegion> state =
      MappedRegion::Anonymous(module.shape().state_bytes, kReadWrite);
  if (!state.ok()) {
    return absl::ResourceExhaustedError(
        absl::StrCat(module.name(), ": no room for its tables and globals: ",
                     state.status().message()));
  }
  storage.state = state->base();
  for (Memory& memory : memories) memories_.push_back(std::move(memory));
  states_.push_back(*std::move(state));
  provided_.push_back(storage);
  return storage;
}

absl::Status OwnedStorage::Grow(uint64_t ordinal, uint64_t old_bytes, uint64_t new_bytes) {
  Memory& memory = memories_[ordinal];
  const uint64_t accessible_bytes = RoundUp(new_bytes, kHostPageBytes);
  if (accessible_bytes <= memory.accessible_bytes) return absl::OkStatus();
  if (::mprotect(memory.region.base() + memory.accessible_bytes,
                 accessible_bytes - memory.accessible_bytes, kReadWrite) != 0) {
    return SyscallError("mprotect", absl::StrCat("grow to ", new_bytes, " bytes"));
  }
  memory.accessible_bytes = accessible_bytes;
  return absl::OkStatus();
}

}  // namespace tidepool::engine
