#include "pool/memory/capacity.h"

#include "engine/support/units.h"
#include "tests/support/status_matchers.h"

namespace tidepool::pool {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::tidepool::test::IsOk;
using ::tidepool::test::StatusIs;
constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;

constexpr uint64_t kSlot = 4 * kGiB + 32 * kMiB;

CapacityNeeds Needs(uint64_t slots) {
  return {.slot_count = slots,
          .slot_bytes = kSlot,
          .store_count = slots,
          .state_bytes = 4 * kMiB,
          .stack_count = 100,
          .stack_bytes = 8 * kMiB,
          .image_count = 10,
          .memory_bytes_max = 4 * kGiB};
}
// A machine as Debian installs it.
constexpr SystemLimits kDebian{.map_count_max = 65'530,
                               .open_files_max = 524'288,
                               .locked_bytes_max = 8 * kMiB};

TEST(Capacity, TwentyThousandSlotsOfFourGibFitADebianMachine) {
  EXPECT_THAT(CheckCapacity(Needs(20'000), kDebian), IsOk());
}

TEST(Capacity, NamesAddressSpaceAndTheNumberOfSlotsThatFit) {
  EXPECT_THAT(CheckCapacity(Needs(40'000), kDebian),
              StatusIs(kExhausted, AllOf(HasSubstr("address space"),
                                         HasSubstr("set pool.slots to at most 32221"))));
}

TEST(Capacity, NamesMaxMapCountAndTheNumberToSet) {
  EXPECT_THAT(CheckCapacity(Needs(22'000), kDebian),
              StatusIs(kExhausted, HasSubstr("vm.max_map_count is 65530: set it to at least 68211")));
}

TEST(Capacity, NamesOpenFilesAndTheNumberToSetOnlyWhereGrowthNeedsFiles) {
  SystemLimits limits = kDebian;
  limits.open_files_max = 1024;
  CapacityNeeds needs = Needs(1000);
  EXPECT_THAT(CheckCapacity(needs, limits),
              StatusIs(kExhausted, HasSubstr("RLIMIT_NOFILE is 1024: set it to at least 1266")));
  needs.growth = GrowthKind::kMprotect;
  EXPECT_THAT(CheckCapacity(needs, limits), IsOk());
}

TEST(Capacity, NamesFileSizeLockedMemoryAndAddressSpaceLimits) {
  SystemLimits limits = kDebian;
  limits.file_bytes_max = kGiB;
  EXPECT_THAT(CheckCapacity(Needs(10), limits),
              StatusIs(kExhausted, HasSubstr("RLIMIT_FSIZE is 1073741824: set it to at least 4294967296")));
  CapacityNeeds needs = Needs(10);
  needs.locked_bytes = 9 * kMiB;
  EXPECT_THAT(CheckCapacity(needs, kDebian),
              StatusIs(kExhausted, HasSubstr("RLIMIT_MEMLOCK is 8388608: set it to at least 9437184")));
  limits = kDebian;
  limits.address_space_rlimit_bytes = 10 * kGiB;
  EXPECT_THAT(CheckCapacity(Needs(10), limits), StatusIs(kExhausted, HasSubstr("RLIMIT_AS")));
}

TEST(Capacity, NamesEveryResourceThatFallsShortAtOnce) {
  SystemLimits limits = kDebian;
  limits.map_count_max = 100;
  limits.open_files_max = 100;
  EXPECT_THAT(CheckCapacity(Needs(100), limits),
              StatusIs(kExhausted, AllOf(HasSubstr("vm.max_map_count"), HasSubstr("RLIMIT_NOFILE"))));
}

TEST(Capacity, RefusesProductsBeyond64Bits) {
  CapacityNeeds needs = Needs(1);
  needs.slot_count = needs.slot_bytes = uint64_t{1} << 33;
  EXPECT_THAT(CheckCapacity(needs, kDebian), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(Capacity, ReadsThisMachinesLimits) {
  const SystemLimits limits = ReadSystemLimits();
  EXPECT_GE(limits.map_count_max, 1000u);
  EXPECT_GE(limits.open_files_max, 64u);
  const auto plan = PlanCapacity(Needs(10));
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(DescribeCapacity(*plan, limits), HasSubstr("mappings (vm.max_map_count)            241 + 2000"));
}

}  // namespace
}  // namespace tidepool::pool
