// Every sequence of operations on one slot, against the simplest model that could be right.

#include "tests/pool/memory/slot_fixture.h"
#include "tests/support/exhaustive.h"
#include "tests/support/status_matchers.h"

namespace tidepool::pool {
namespace {

using ::tidepool::test::Exhaustive;
using ::tidepool::test::IsOk;

class SlotExhaustiveTest : public ::testing::TestWithParam<Strategy> {};

INSTANTIATE_TEST_SUITE_P(Strategies, SlotExhaustiveTest, ::testing::ValuesIn(kAllStrategies),
                         NameOfStrategy);

// The operations that a state allows, each with an outcome; a clean slot always proves clean.
TEST_P(SlotExhaustiveTest, EveryPathKeepsTheStatePromisesOfTheHeader) {
  SlotWorld world(GetParam(), 1);
  const auto image = world.Image(kWasmPageBytes, {{0, 4096, 0x31}});
  const auto other = world.Image(2 * kWasmPageBytes, {{kWasmPageBytes, 100, 0x32}});
  Slot* slot = world.pool().Take();
  Exhaustive choose;
  uint64_t sequences = 0;
  while (choose.Next()) {
    ++sequences;
    ASSERT_EQ(slot->state(), SlotState::kUnmapped);
    for (int step = 0; step < 7; ++step) {
      switch (slot->state()) {
        case SlotState::kUnmapped:
          ASSERT_THAT(slot->Prepare(choose.Choose(2) == 0 ? image : other, 4 * kWasmPageBytes),
                      IsOk());
          break;
        case SlotState::kClean:
          ASSERT_TRUE(HoldsOnly(*slot)) << choose.ToString();
          ASSERT_THAT(world.Verify(*slot), IsOk()) << choose.ToString();
          switch (choose.Choose(3)) {
            case 0: slot->Lend(); break;
            case 1: ASSERT_THAT(slot->Decommit(), IsOk()); break;
            case 2: slot->Condemn(); break;
          }
          break;
        case SlotState::kLeased:
          switch (choose.Choose(4)) {
            case 0:
              if (slot->accessible_bytes() < 4 * kWasmPageBytes) {
                ASSERT_THAT(slot->Grow(slot->accessible_bytes() + kWasmPageBytes), IsOk());
              }
              SlotWorld::Fill(*slot, static_cast<uint8_t>(0x80 + step));
              break;
            case 1: ASSERT_THAT(slot->BeginReset(), IsOk()); break;
            case 2:
              world.ops().FailAfter(0);
              ASSERT_FALSE(slot->BeginReset().ok());
              slot->EndReset(false);
              break;
            case 3: slot->Condemn(); break;
          }
          break;
        case SlotState::kResetting:
          slot->EndReset(choose.Choose(2) == 0);
          break;
        case SlotState::kQuarantined:
          if (choose.Choose(2) == 0) {
            ASSERT_THAT(slot->Remap(), IsOk());
          } else {
            world.ops().FailAfter(0);
            ASSERT_FALSE(slot->Remap().ok());
            ASSERT_EQ(slot->state(), SlotState::kQuarantined);
          }
          break;
      }
      ASSERT_EQ(world.counts().Drift(), 0) << choose.ToString();
    }
    // Back to the start by the shortest way.
    if (slot->state() == SlotState::kResetting) slot->EndReset(true);
    if (slot->state() == SlotState::kLeased) slot->Condemn();
    if (slot->state() == SlotState::kClean) ASSERT_THAT(slot->Decommit(), IsOk());
    if (slot->state() == SlotState::kQuarantined) ASSERT_THAT(slot->Remap(), IsOk());
  }
  world.pool().Return(slot);
  EXPECT_GT(sequences, 500u);
}

TEST(SlotPoolExhaustive, NeverLendsMoreSlotsThanItHas) {
  SlotWorld world({GrowthKind::kFtruncate, ResetKind::kMadvise}, 2);
  Exhaustive choose;
  while (choose.Next()) {
    std::vector<Slot*> held;
    for (int step = 0; step < 6; ++step) {
      if (choose.Choose(2) == 0) {
        Slot* slot = world.pool().Take();
        ASSERT_EQ(slot != nullptr, held.size() < 2);
        if (slot != nullptr) held.push_back(slot);
      } else if (!held.empty()) {
        world.pool().Return(held.back());
        held.pop_back();
      }
    }
    for (Slot* slot : held) world.pool().Return(slot);
  }
}

}  // namespace
}  // namespace tidepool::pool
