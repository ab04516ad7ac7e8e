// P4: each system call of preparing, resetting, decommitting and remapping is made to fail in turn.

#include "tests/pool/memory/slot_fixture.h"
#include "tests/pool/support/faults.h"
#include "tests/support/status_matchers.h"

namespace tidepool::pool {
namespace {

using ::tidepool::test::IsOk;

class SlotFailureTest : public ::testing::TestWithParam<Strategy> {
 protected:
  // Fails the nth call of `step` for n = 0, 1, … until the step needs fewer; `check` sees the slot
  // after each failure.  Returns how many calls the step has.
  template <typename Step, typename Check>
  uint64_t FailEachCall(Step step, Check check) {
    for (uint64_t n = 0;; ++n) {
      SlotWorld world(GetParam());
      Slot* slot = world.pool().Take();
      const bool failed = step(world, *slot, n);
      if (failed) check(world, *slot, n);
      Recover(world, slot);
      if (!failed) return n;
    }
  }

  static void PrepareGrowFill(SlotWorld& world, Slot& slot) {
    ASSERT_THAT(slot.Prepare(world.Image(2 * kWasmPageBytes, {{0, 5000, 0x77}}), 8 * kWasmPageBytes),
                IsOk());
    slot.Lend();
    ASSERT_THAT(slot.Grow(3 * kWasmPageBytes), IsOk());
    SlotWorld::Fill(slot, 0x5E);
  }

  // Whatever happened, a healed kernel and a remap give a slot that is as good as new.
  static void Recover(SlotWorld& world, Slot* slot) {
    world.ops().Heal();
    if (slot->state() == SlotState::kClean) ASSERT_THAT(slot->Decommit(), IsOk());
    world.pool().Return(slot);
    EXPECT_EQ(world.pool().RepairQuarantined().failed, 0u);
    EXPECT_EQ(world.pool().free_count(), 2u) << "no slot is lost";
    Slot* again = world.pool().Take();
    ASSERT_THAT(again->Prepare(world.Image(kWasmPageBytes, {}), 8 * kWasmPageBytes), IsOk());
    EXPECT_THAT(world.Verify(*again), IsOk());
    EXPECT_TRUE(HoldsOnly(*again));
    again->Lend();
    ASSERT_THAT(again->Grow(4 * kWasmPageBytes), IsOk());
    for (uint64_t at = 0; at < again->accessible_bytes(); ++at) ASSERT_EQ(again->base()[at], 0);
    ASSERT_THAT(world.Reset(*again), IsOk());
    ASSERT_THAT(again->Decommit(), IsOk());
    world.pool().Return(again);
    EXPECT_EQ(world.counts().Drift(), 0);
    EXPECT_EQ(world.counts().free, 2u);
  }

  static void ExpectQuarantined(SlotWorld& world, Slot& slot, uint64_t n) {
    EXPECT_EQ(slot.state(), SlotState::kQuarantined) << "call " << n;
    EXPECT_EQ(world.counts().quarantined, 1u);
    EXPECT_EQ(world.counts().Drift(), 0);
  }
};

INSTANTIATE_TEST_SUITE_P(Strategies, SlotFailureTest, ::testing::ValuesIn(kAllStrategies),
                         NameOfStrategy);

TEST_P(SlotFailureTest, AFailedPrepareQuarantines) {
  const uint64_t calls = FailEachCall(
      [](SlotWorld& world, Slot& slot, uint64_t n) {
        const auto image = world.Image(kWasmPageBytes, {{0, 1, 1}});
        world.ops().FailAfter(n);
        return !slot.Prepare(image, 8 * kWasmPageBytes).ok();
      },
      ExpectQuarantined);
  EXPECT_GE(calls, 4u);
}

TEST_P(SlotFailureTest, AFailedResetQuarantines) {
  const uint64_t calls = FailEachCall(
      [](SlotWorld& world, Slot& slot, uint64_t n) {
        PrepareGrowFill(world, slot);
        world.ops().FailAfter(n);
        return !world.Reset(slot).ok();
      },
      ExpectQuarantined);
  EXPECT_GE(calls, 2u);
}

TEST_P(SlotFailureTest, AFailedDecommitQuarantines) {
  const uint64_t calls = FailEachCall(
      [](SlotWorld& world, Slot& slot, uint64_t n) {
        PrepareGrowFill(world, slot);
        EXPECT_THAT(world.Reset(slot), IsOk());
        world.ops().FailAfter(n);
        return !slot.Decommit().ok();
      },
      ExpectQuarantined);
  EXPECT_GE(calls, 4u);
}

TEST_P(SlotFailureTest, AFailedRemapStaysQuarantined) {
  const uint64_t calls = FailEachCall(
      [](SlotWorld& world, Slot& slot, uint64_t n) {
        PrepareGrowFill(world, slot);
        slot.Condemn();
        world.ops().FailAfter(n);
        return !slot.Remap().ok();
      },
      ExpectQuarantined);
  EXPECT_GE(calls, 4u);
}

TEST_P(SlotFailureTest, AQuarantinedSlotIsNotTakenUntilItsRemapWorks) {
  SlotWorld world(GetParam(), 1);
  Slot* slot = world.pool().Take();
  PrepareGrowFill(world, *slot);
  slot->Condemn();
  world.pool().Return(slot);
  EXPECT_EQ(world.pool().Take(), nullptr);
  world.ops().FailAlways(MemoryCall::kMapAnonymous);
  EXPECT_EQ(world.pool().RepairQuarantined().failed, 1u);
  EXPECT_EQ(world.pool().Take(), nullptr);
  world.ops().Heal();
  EXPECT_EQ(world.pool().RepairQuarantined().remapped, 1u);
  Slot* again = world.pool().Take();
  ASSERT_EQ(again, slot);
  EXPECT_FALSE(IsWritable(again->base()));
  world.pool().Return(again);
}

}  // namespace
}  // namespace tidepool::pool
