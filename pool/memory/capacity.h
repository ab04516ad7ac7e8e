// Capacity: does what is configured fit what this process may have?  Asked once, at start.
//
//   resource             needs                                             set by
//   address space        slots × slot_bytes + states + stacks ≤ 127 TiB    pool.slots, pool.slot_bytes
//   vm.max_map_count     3 per slot, 2 per stack, 1 per image, a reserve   sysctl
//   RLIMIT_NOFILE        1 per growth file, 1 per image, a reserve         LimitNOFILE=
//   RLIMIT_FSIZE         the largest image and growth file                 LimitFSIZE=
//   RLIMIT_AS            the address space                                 LimitAS=
//   RLIMIT_MEMLOCK       what is to be locked (0: nothing)                 LimitMEMLOCK=
//
// Threads  Pure functions, but for ReadSystemLimits.
// Errors   ResourceExhausted; names the resource, what is there, and the number to set.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pool/memory/strategies.h"

namespace tidepool::pool {

// All workers of the process together.
struct CapacityNeeds {
  uint64_t slot_count = 0;
  uint64_t slot_bytes = 0;         // Address space of one.
  uint64_t store_count = 0;
  uint64_t state_bytes = 0;        // Address space of one state area.
  uint64_t stack_count = 0;
  uint64_t stack_bytes = 0;        // Address space of one, guard included.
  uint64_t image_count = 0;        // Modules with warm storage at the same time, × workers.
  uint64_t memory_bytes_max = 0;   // The largest memory one slot will hold.
  uint64_t locked_bytes = 0;
  GrowthKind growth = GrowthKind::kFtruncate;
};

inline constexpr uint64_t kUnlimited = UINT64_MAX;

struct SystemLimits {
  uint64_t address_space_bytes = (uint64_t{127} << 40);  // Of 47 bits; libraries take the rest.
  uint64_t map_count_max = kUnlimited;                   // vm.max_map_count
  uint64_t open_files_max = kUnlimited;                  // RLIMIT_NOFILE, soft
  uint64_t file_bytes_max = kUnlimited;                  // RLIMIT_FSIZE
  uint64_t address_space_rlimit_bytes = kUnlimited;      // RLIMIT_AS
  uint64_t locked_bytes_max = kUnlimited;                // RLIMIT_MEMLOCK
};
SystemLimits ReadSystemLimits();

// For the rest of the process: libraries, heap, threads, sockets, databases.
inline constexpr uint64_t kMapCountReserve = 2'000;
inline constexpr uint64_t kOpenFilesReserve = 256;

struct CapacityPlan {
  uint64_t address_space_bytes = 0;
  uint64_t map_count = 0;
  uint64_t open_files = 0;
  uint64_t file_bytes = 0;
  uint64_t locked_bytes = 0;
};

// What is needed, whether or not it is there.  InvalidArgument: the product exceeds 64 bits.
absl::StatusOr<CapacityPlan> PlanCapacity(const CapacityNeeds& needs);
// OK, or one sentence per resource that falls short, each with the number to set.
absl::Status CheckCapacity(const CapacityNeeds& needs, const SystemLimits& limits);
// A table for `tidepoold --check`.
std::string DescribeCapacity(const CapacityPlan& plan, const SystemLimits& limits);

}  // namespace tidepool::pool
