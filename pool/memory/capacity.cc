#include "pool/memory/capacity.h"

#include <stdio.h>
#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/support/status_macros.h"
#include "engine/support/units.h"

namespace tidepool::pool {
namespace {

uint64_t SoftLimit(int resource) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) < 0) return kUnlimited;
  return limit.rlim_cur == RLIM_INFINITY ? kUnlimited : limit.rlim_cur;
}

uint64_t ReadMapCountMax() {
  FILE* file = ::fopen("/proc/sys/vm/max_map_count", "re");
  if (file == nullptr) return kUnlimited;
  unsigned long long value = 0;
  const bool ok = ::fscanf(file, "%llu", &value) == 1;
  ::fclose(file);
  return ok ? value : kUnlimited;
}

// a × b added to `sum`; false when that exceeds 64 bits.
bool AddProduct(uint64_t a, uint64_t b, uint64_t& sum) {
  uint64_t product = 0;
  return !__builtin_mul_overflow(a, b, &product) && !__builtin_add_overflow(sum, product, &sum);
}

std::string Shown(uint64_t value) {
  return value == kUnlimited ? std::string("unlimited") : absl::StrCat(value);
}

}  // namespace

SystemLimits ReadSystemLimits() {
  SystemLimits limits;
  limits.map_count_max = ReadMapCountMax();
  limits.open_files_max = SoftLimit(RLIMIT_NOFILE);
  limits.file_bytes_max = SoftLimit(RLIMIT_FSIZE);
  limits.address_space_rlimit_bytes = SoftLimit(RLIMIT_AS);
  limits.locked_bytes_max = SoftLimit(RLIMIT_MEMLOCK);
  return limits;
}

absl::StatusOr<CapacityPlan> PlanCapacity(const CapacityNeeds& needs) {
  CapacityPlan plan;
  const bool fits = AddProduct(needs.slot_count, needs.slot_bytes, plan.address_space_bytes) &&
                    AddProduct(needs.store_count, needs.state_bytes, plan.address_space_bytes) &&
                    AddProduct(needs.stack_count, needs.stack_bytes, plan.address_space_bytes);
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat("pool.slots=", needs.slot_count, " × pool.slot_bytes=", needs.slot_bytes,
                     " with stores and stacks exceeds 64 bits of address space"));
  }
  // Image, grown part, guard.  Each file is mapped once more, read-only, as what Verify compares
  // with.  State areas are one mapping.
  plan.map_count = 3 * needs.slot_count + 2 * needs.stack_count + needs.image_count + 1;
  plan.open_files = needs.image_count;
  if (needs.growth == GrowthKind::kFtruncate) plan.open_files += needs.slot_count;
  plan.file_bytes = needs.memory_bytes_max;
  plan.locked_bytes = needs.locked_bytes;
  return plan;
}

absl::Status CheckCapacity(const CapacityNeeds& needs, const SystemLimits& limits) {
  TP_ASSIGN_OR_RETURN(const CapacityPlan plan, PlanCapacity(needs));
  std::vector<std::string> failures;
  const auto require = [&](uint64_t needed, uint64_t there, const std::string& sentence) {
    if (needed > there) failures.push_back(sentence);
  };
  const std::string what = absl::StrCat("pool.slots=", needs.slot_count,
                                        " with pool.slot_bytes=", needs.slot_bytes);
  const uint64_t others_bytes = plan.address_space_bytes - needs.slot_count * needs.slot_bytes;
  const uint64_t slots_fit =
      needs.slot_bytes == 0 || others_bytes > limits.address_space_bytes
          ? 0
          : (limits.address_space_bytes - others_bytes) / needs.slot_bytes;
  require(plan.address_space_bytes, limits.address_space_bytes,
          absl::StrCat(what, " needs ", plan.address_space_bytes, " bytes of address space, there are ",
                       limits.address_space_bytes, ": set pool.slots to at most ", slots_fit));
  require(plan.address_space_bytes, limits.address_space_rlimit_bytes,
          absl::StrCat(what, " needs ", plan.address_space_bytes,
                       " bytes of address space, RLIMIT_AS is ", limits.address_space_rlimit_bytes,
                       ": set it to unlimited"));
  require(plan.map_count + kMapCountReserve, limits.map_count_max,
          absl::StrCat(what, " needs ", plan.map_count, " mappings and ", kMapCountReserve,
                       " in reserve, vm.max_map_count is ", limits.map_count_max,
                       ": set it to at least ", plan.map_count + kMapCountReserve));
  require(plan.open_files + kOpenFilesReserve, limits.open_files_max,
          absl::StrCat(what, " and pool.growth=", NameOf(needs.growth), " needs ", plan.open_files,
                       " open files and ", kOpenFilesReserve, " in reserve, RLIMIT_NOFILE is ",
                       limits.open_files_max, ": set it to at least ",
                       plan.open_files + kOpenFilesReserve));
  require(plan.file_bytes, limits.file_bytes_max,
          absl::StrCat("memories of ", plan.file_bytes, " bytes are files of that size, RLIMIT_FSIZE is ",
                       limits.file_bytes_max, ": set it to at least ", plan.file_bytes));
  require(plan.locked_bytes, limits.locked_bytes_max,
          absl::StrCat(plan.locked_bytes, " bytes are to be locked, RLIMIT_MEMLOCK is ",
                       limits.locked_bytes_max, ": set it to at least ", plan.locked_bytes));
  if (failures.empty()) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrJoin(failures, "; "));
}

std::string DescribeCapacity(const CapacityPlan& plan, const SystemLimits& limits) {
  return absl::StrCat(
      "address space, bytes (RLIMIT_AS)       ", plan.address_space_bytes, " of ",
      Shown(std::min(limits.address_space_bytes, limits.address_space_rlimit_bytes)), "\n",
      "mappings (vm.max_map_count)            ", plan.map_count, " + ", kMapCountReserve, " of ",
      Shown(limits.map_count_max), "\n",
      "open files (RLIMIT_NOFILE)             ", plan.open_files, " + ", kOpenFilesReserve, " of ",
      Shown(limits.open_files_max), "\n",
      "largest file, bytes (RLIMIT_FSIZE)     ", plan.file_bytes, " of ", Shown(limits.file_bytes_max), "\n",
      "locked memory, bytes (RLIMIT_MEMLOCK)  ", plan.locked_bytes, " of ", Shown(limits.locked_bytes_max), "\n");
}

}  // namespace tidepool::pool
