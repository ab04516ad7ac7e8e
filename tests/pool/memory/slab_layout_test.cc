#include "pool/memory/slab_layout.h"

#include <random>

#include "engine/support/units.h"
#include "tests/support/status_matchers.h"

namespace tidepool::pool {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::tidepool::test::StatusIs;

TEST(SlabLayout, RefusesNoSlotsOddSizesAndSizesBeyond64Bits) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(SlabLayout::Plan({0, kMiB}), StatusIs(kInvalid, HasSubstr("pool.slots=0")));
  EXPECT_THAT(SlabLayout::Plan({1'000'001, kMiB}), StatusIs(kInvalid, HasSubstr("1000000")));
  EXPECT_THAT(SlabLayout::Plan({1, 0}), StatusIs(kInvalid, HasSubstr("pool.slot_bytes=0")));
  EXPECT_THAT(SlabLayout::Plan({1, kMiB + 4096}), StatusIs(kInvalid, HasSubstr("64 KiB")));
  EXPECT_THAT(SlabLayout::Plan({2, uint64_t{1} << 63}),
              StatusIs(kInvalid, AllOf(HasSubstr("64 bits"), HasSubstr("pool.slots=2"))));
  EXPECT_THAT(SlabLayout::Plan({1, RoundDown(UINT64_MAX, kWasmPageBytes)}), StatusIs(kInvalid));
}

// Properties, over sizes drawn from every magnitude.
TEST(SlabLayout, SlotsAreLargeEnoughAlignedDisjointAndFoundAgain) {
  std::mt19937_64 random(20240607);
  int planned = 0;
  for (int i = 0; i < 20'000; ++i) {
    const SlabOptions options{
        .slot_count = 1 + (random() >> (44 + random() % 20)),
        .slot_bytes = RoundUp(1 + (random() >> (1 + random() % 48)), kWasmPageBytes)};
    const absl::StatusOr<SlabLayout> layout = SlabLayout::Plan(options);
    if (!layout.ok()) continue;
    ++planned;
    ASSERT_GE(layout->stride_bytes(), options.slot_bytes);
    ASSERT_LT(layout->stride_bytes() - options.slot_bytes, 2 * kMiB);
    ASSERT_EQ(layout->stride_bytes() % (2 * kMiB), 0u);
    ASSERT_EQ(layout->bytes() / layout->stride_bytes(), options.slot_count);
    const auto slot = static_cast<SlotIndex>(random() % options.slot_count);
    const uint64_t begin = layout->OffsetOf(slot);
    ASSERT_EQ(layout->SlotAt(begin), slot);
    ASSERT_EQ(layout->SlotAt(begin + layout->stride_bytes() - 1), slot);
    ASSERT_LE(begin + layout->stride_bytes(), layout->bytes());
    ASSERT_EQ(layout->SlotAt(layout->bytes()), std::nullopt);
    if (begin != 0) ASSERT_NE(layout->SlotAt(begin - 1), slot);
  }
  EXPECT_GT(planned, 10'000);
}

}  // namespace
}  // namespace tidepool::pool
