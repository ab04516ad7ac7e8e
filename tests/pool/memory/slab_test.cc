#include "pool/memory/slab.h"

#include "engine/support/units.h"
#include "tests/pool/support/failing_memory_ops.h"
#include "tests/pool/support/faults.h"
#include "tests/support/status_matchers.h"

namespace tidepool::pool {
namespace {

using ::tidepool::test::IsOk;
using ::tidepool::test::StatusIs;

TEST(Slab, ReservesInaccessibleAlignedSpaceThatCostsNothing) {
  FailingMemoryOps ops;
  TP_ASSERT_OK_AND_ASSIGN(const SlabLayout layout, SlabLayout::Plan({16, 4 * kGiB + 32 * kMiB}));
  TP_ASSERT_OK_AND_ASSIGN(const auto slab, Slab::Reserve(ops, layout));
  for (uint32_t i : {0u, 7u, 15u}) {
    uint8_t* const base = slab->BaseOf(SlotIndex{i});
    EXPECT_EQ(reinterpret_cast<uintptr_t>(base) % (2 * kMiB), 0u);
    EXPECT_FALSE(IsWritable(base));
    EXPECT_FALSE(IsWritable(base + layout.stride_bytes() - 1));
  }
}

TEST(Slab, FailsCleanlyWhenTheKernelRefuses) {
  TP_ASSERT_OK_AND_ASSIGN(const SlabLayout layout, SlabLayout::Plan({1, kMiB}));
  for (uint64_t n = 0; n < 4; ++n) {
    FailingMemoryOps ops;
    ops.FailAfter(n);
    EXPECT_THAT(Slab::Reserve(ops, layout), StatusIs(absl::StatusCode::kResourceExhausted)) << n;
  }
}

}  // namespace
}  // namespace tidepool::pool
