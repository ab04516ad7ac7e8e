#include "pool/memory/slot.h"

#include <sys/mman.h>

#include <fstream>
#include <sstream>

#include "tests/pool/memory/slot_fixture.h"
#include "tests/pool/support/faults.h"
#include "tests/support/status_matchers.h"

namespace tidepool::pool {
namespace {

using ::testing::HasSubstr;
using ::tidepool::test::IsOk;
using ::tidepool::test::StatusIs;

class SlotTest : public ::testing::TestWithParam<Strategy> {
 protected:
  bool open() const { return GetParam().growth == GrowthKind::kNone; }
};

INSTANTIATE_TEST_SUITE_P(Strategies, SlotTest, ::testing::ValuesIn(kAllStrategies), NameOfStrategy);

TEST_P(SlotTest, HoldsTheImageAndZerosAndNothingBeyond) {
  SlotWorld world(GetParam());
  Slot* slot = world.pool().Take();
  ASSERT_THAT(slot->Prepare(world.Image(3 * kWasmPageBytes, {{0, 100, 7}, {2 * kWasmPageBytes, 4096, 9}}),
                            4 * kWasmPageBytes),
              IsOk());
  EXPECT_TRUE(HoldsOnly(*slot));
  EXPECT_EQ(IsWritable(slot->base() + 3 * kWasmPageBytes), open());
  EXPECT_FALSE(IsWritable(slot->base() + 4 * kWasmPageBytes));
  EXPECT_FALSE(IsWritable(slot->base() + slot->reservation_bytes() - 1));
  EXPECT_THAT(world.Verify(*slot), IsOk());
  ASSERT_THAT(slot->Decommit(), IsOk());
  EXPECT_FALSE(IsWritable(slot->base()));
  world.pool().Return(slot);
}

// P1: with an image, without, another of the same size, one that starts high, one that is larger;
// in every order of three.
TEST_P(SlotTest, ShowsNoByteOfAnOlderImage) {
  SlotWorld world(GetParam(), 1);
  const std::shared_ptr<const MemoryImage> images[] = {
      world.Image(2 * kWasmPageBytes, {{0, 8192, 0xA1}}),
      world.Image(2 * kWasmPageBytes, {}),
      world.Image(2 * kWasmPageBytes, {{4096, 8192, 0xB2}}),
      world.Image(4 * kWasmPageBytes, {{3 * kWasmPageBytes, kWasmPageBytes, 0xC3}}),
      world.Image(0, {}),
  };
  for (size_t i = 0; i < 125; ++i) {
    for (size_t which : {i / 25, i / 5 % 5, i % 5}) {
      Slot* slot = world.pool().Take();
      ASSERT_NE(slot, nullptr);
      ASSERT_THAT(slot->Prepare(images[which], 8 * kWasmPageBytes), IsOk());
      ASSERT_THAT(world.Verify(*slot), IsOk());
      ASSERT_TRUE(HoldsOnly(*slot)) << "sequence " << i << ", image " << which;
      slot->Lend();
      ASSERT_THAT(slot->Grow(slot->accessible_bytes() + kWasmPageBytes), IsOk());
      SlotWorld::Fill(*slot, 0x5E);
      ASSERT_THAT(world.Reset(*slot), IsOk());
      ASSERT_TRUE(HoldsOnly(*slot)) << "sequence " << i << ", image " << which;
      ASSERT_THAT(slot->Decommit(), IsOk());
      world.pool().Return(slot);
    }
  }
}

// P2 and P3, over several generations.
TEST_P(SlotTest, GrownPagesAreClosedByResetAndZeroWhenGrownIntoAgain) {
  SlotWorld world(GetParam(), 1);
  Slot* slot = world.pool().Take();
  ASSERT_THAT(slot->Prepare(world.Image(kWasmPageBytes, {{0, 64, 1}}), 16 * kWasmPageBytes), IsOk());
  for (uint64_t generation = 1; generation <= 4; ++generation) {
    slot->Lend();
    for (uint64_t wasm_pages = 2; wasm_pages <= 4 * generation; ++wasm_pages) {
      const uint64_t old_bytes = slot->accessible_bytes();
      ASSERT_THAT(slot->Grow(wasm_pages * kWasmPageBytes), IsOk());
      for (uint64_t at = old_bytes; at < slot->accessible_bytes(); ++at) {
        ASSERT_EQ(slot->base()[at], 0) << "byte " << at << " in generation " << generation;
      }
    }
    EXPECT_EQ(IsWritable(slot->base() + slot->accessible_bytes()),
              open() && slot->accessible_bytes() < 16 * kWasmPageBytes);
    SlotWorld::Fill(*slot, 0x99);
    ASSERT_THAT(world.Reset(*slot), IsOk());
    EXPECT_EQ(IsWritable(slot->base() + kWasmPageBytes), open());
    EXPECT_TRUE(HoldsOnly(*slot));
  }
  ASSERT_THAT(slot->Decommit(), IsOk());
  world.pool().Return(slot);
}

TEST_P(SlotTest, RefusesToGrowBeyondItsMaximumAndStaysAsItWas) {
  SlotWorld world(GetParam());
  Slot* slot = world.pool().Take();
  ASSERT_THAT(slot->Prepare(world.Image(kWasmPageBytes, {}), 2 * kWasmPageBytes), IsOk());
  slot->Lend();
  EXPECT_THAT(slot->Grow(3 * kWasmPageBytes),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("gives 131072")));
  EXPECT_EQ(slot->accessible_bytes(), kWasmPageBytes);
  EXPECT_FALSE(IsWritable(slot->base() + 2 * kWasmPageBytes));
  ASSERT_THAT(slot->Grow(2 * kWasmPageBytes), IsOk());
  ASSERT_THAT(world.Reset(*slot), IsOk());
  ASSERT_THAT(slot->Decommit(), IsOk());
  world.pool().Return(slot);
}

// P3: "after a grow that failed".
TEST_P(SlotTest, AGrowThatFailedChangesNothingAndTheNextOneWorks) {
  for (MemoryCall call : {MemoryCall::kTruncate, MemoryCall::kProtect, MemoryCall::kMapFile,
                          MemoryCall::kCreateFile, MemoryCall::kAdvise}) {
    SlotWorld world(GetParam());
    Slot* slot = world.pool().Take();
    ASSERT_THAT(slot->Prepare(world.Image(kWasmPageBytes, {}), 8 * kWasmPageBytes), IsOk());
    slot->Lend();
    world.ops().FailNext(call);
    if (!slot->Grow(2 * kWasmPageBytes).ok()) {
      EXPECT_EQ(slot->accessible_bytes(), kWasmPageBytes);
      EXPECT_FALSE(IsWritable(slot->base() + kWasmPageBytes)) << NameOf(call);
      ASSERT_THAT(slot->Grow(2 * kWasmPageBytes), IsOk());
    }
    world.ops().Heal();
    SlotWorld::Fill(*slot, 3);
    EXPECT_THAT(world.Reset(*slot), IsOk());
    ASSERT_THAT(slot->Decommit(), IsOk());
    world.pool().Return(slot);
  }
}

// P7
TEST_P(SlotTest, AMemoryOfZeroPagesThatCannotGrowIsInaccessible) {
  SlotWorld world(GetParam());
  Slot* slot = world.pool().Take();
  ASSERT_THAT(slot->Prepare(world.Image(0, {}), 0), IsOk());
  EXPECT_FALSE(IsWritable(slot->base()));
  slot->Lend();
  EXPECT_THAT(slot->Grow(kWasmPageBytes), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(world.Reset(*slot), IsOk());
  ASSERT_THAT(slot->Decommit(), IsOk());
  world.pool().Return(slot);
}

TEST(Slot, SameModuleAgainCostsOneCallToResetAndTwoAfterGrowth) {
  SlotWorld world({GrowthKind::kFtruncate, ResetKind::kMadvise});
  Slot* slot = world.pool().Take();
  ASSERT_THAT(slot->Prepare(world.Image(kWasmPageBytes, {{0, 9, 9}}), 8 * kWasmPageBytes), IsOk());
  const auto calls_of_cycle = [&](bool grow) {
    const MemoryCallCounts before = world.ops().Counts();
    slot->Lend();
    SlotWorld::Fill(*slot, 1);
    if (grow) EXPECT_THAT(slot->Grow(2 * kWasmPageBytes), IsOk());
    EXPECT_THAT(slot->BeginReset(), IsOk());
    slot->EndReset(true);
    return world.ops().Counts().Total() - before.Total();
  };
  EXPECT_EQ(calls_of_cycle(false), 1u) << "madvise";
  calls_of_cycle(true);  // The first growth opens and maps the file.
  EXPECT_EQ(calls_of_cycle(true), 3u) << "ftruncate up, madvise, ftruncate down";
  EXPECT_EQ(calls_of_cycle(false), 1u);
  EXPECT_THAT(world.Verify(*slot), IsOk());
  ASSERT_THAT(slot->Decommit(), IsOk());
  world.pool().Return(slot);
}

// The flags that /proc/self/smaps shows of the mapping at `address`.
std::string FlagsAt(const uint8_t* address) {
  std::ifstream smaps("/proc/self/smaps");
  std::string line;
  bool inside = false;
  while (std::getline(smaps, line)) {
    unsigned long begin = 0;
    unsigned long end = 0;
    if (sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2 && line.find('-') < 17) {
      const auto at = reinterpret_cast<uintptr_t>(address);
      inside = begin <= at && at < end;
    }
    if (inside && line.rfind("VmFlags:", 0) == 0) return line + " ";
  }
  return "";
}

TEST_P(SlotTest, IsNeverForkedDumpedOrMadeOfHugePages) {
  SlotWorld world(GetParam());
  Slot* slot = world.pool().Take();
  const auto check = [&](const char* when, uint64_t offset_bytes) {
    const std::string flags = FlagsAt(slot->base() + offset_bytes);
    EXPECT_THAT(flags, HasSubstr(" dc ")) << when;  // MADV_DONTFORK
    EXPECT_THAT(flags, HasSubstr(" dd ")) << when;  // MADV_DONTDUMP
    EXPECT_THAT(flags, HasSubstr(" nh ")) << when;  // MADV_NOHUGEPAGE
  };
  check("unmapped", 0);
  ASSERT_THAT(slot->Prepare(world.Image(kWasmPageBytes, {{0, 1, 1}}), 8 * kWasmPageBytes), IsOk());
  check("image", 0);
  slot->Lend();
  ASSERT_THAT(slot->Grow(2 * kWasmPageBytes), IsOk());
  check("grown", kWasmPageBytes);
  ASSERT_THAT(world.Reset(*slot), IsOk());
  check("reset", 0);
  ASSERT_THAT(slot->Decommit(), IsOk());
  check("decommitted", 0);
  check("decommitted", kWasmPageBytes);
  world.pool().Return(slot);
}

// P15 for slots: what one instance writes, no other one sees.
TEST_P(SlotTest, TwoSlotsOfOneImageDoNotSeeEachOther) {
  SlotWorld world(GetParam());
  const auto image = world.Image(2 * kWasmPageBytes, {{4096, 5000, 0x42}});
  Slot* a = world.pool().Take();
  Slot* b = world.pool().Take();
  ASSERT_THAT(a->Prepare(image, 4 * kWasmPageBytes), IsOk());
  a->Lend();
  ASSERT_THAT(a->Grow(3 * kWasmPageBytes), IsOk());
  SlotWorld::Fill(*a, 0xEE);
  ASSERT_THAT(b->Prepare(image, 4 * kWasmPageBytes), IsOk());
  EXPECT_TRUE(HoldsOnly(*b));
  EXPECT_THAT(world.Verify(*b), IsOk());
  b->Lend();
  SlotWorld::Fill(*b, 0x11);
  EXPECT_EQ(a->base()[5000], 0xEE);
  ASSERT_THAT(world.Reset(*b), IsOk());
  EXPECT_EQ(a->base()[5000], 0xEE) << "resetting b must not touch a";
  ASSERT_THAT(world.Reset(*a), IsOk());
  for (Slot* slot : {a, b}) {
    ASSERT_THAT(slot->Decommit(), IsOk());
    world.pool().Return(slot);
  }
}

}  // namespace
}  // namespace tidepool::pool
