#include "pool/instance/state_slab.h"

#include "engine/support/units.h"
#include "tests/pool/support/failing_memory_ops.h"
#include "tests/support/status_matchers.h"

namespace tidepool::pool {
namespace {

using ::tidepool::test::IsOk;
using ::tidepool::test::StatusIs;

TEST(StateSlab, AreasAreZeroAgainAfterTheyCameBack) {
  FailingMemoryOps ops;
  TP_ASSERT_OK_AND_ASSIGN(const auto slab, StateSlab::Create(ops, 1, 8192));
  for (int i = 0; i < 3; ++i) {
    uint8_t* area = slab->Take();
    ASSERT_NE(area, nullptr);
    EXPECT_EQ(slab->Take(), nullptr);
    for (uint64_t at = 0; at < 8192; ++at) ASSERT_EQ(area[at], 0);
    area[0] = area[8191] = 1;
    EXPECT_THAT(slab->Return(area, 8192), IsOk());
  }
}

TEST(StateSlab, AnAreaWhoseDropFailedWaitsForARemap) {
  FailingMemoryOps ops;
  TP_ASSERT_OK_AND_ASSIGN(const auto slab, StateSlab::Create(ops, 1, 4096));
  uint8_t* area = slab->Take();
  area[7] = 1;
  ops.FailNext(MemoryCall::kDiscard);
  EXPECT_FALSE(slab->Return(area, 4096).ok());
  EXPECT_EQ(slab->quarantined_count(), 1u);
  EXPECT_EQ(slab->Take(), nullptr);
  for (const MemoryCall call : {MemoryCall::kMapAnonymous, MemoryCall::kAdvise}) {
    ops.FailNext(call);
    EXPECT_EQ(slab->RepairQuarantined(), 0u);
    EXPECT_EQ(slab->Take(), nullptr);
  }
  EXPECT_EQ(slab->RepairQuarantined(), 1u);
  area = slab->Take();
  ASSERT_NE(area, nullptr);
  EXPECT_EQ(area[7], 0);
}

TEST(StateSlab, RefusesSizesThatAreNotPages) {
  FailingMemoryOps ops;
  EXPECT_THAT(StateSlab::Create(ops, 1, 100), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(StateSlab::Create(ops, UINT64_MAX, 4096),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace tidepool::pool
