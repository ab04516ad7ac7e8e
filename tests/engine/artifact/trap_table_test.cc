#include "engine/artifact/trap_table.h"

#include <random>

#include "gtest/gtest.h"

#include "engine/artifact/trap_table_writer.h"

namespace tidepool::engine {
namespace {

TEST(TrapTable, KnowsOnlyTheExactInstructions) {
  CompiledModule compiled;
  compiled.trap_sites = {{10, TrapCode::kMemoryOutOfBounds}, {20, TrapCode::kNullReference}};
  const std::vector<uint8_t> bytes = EncodeTrapTable(compiled);
  const TrapTable traps(bytes);
  EXPECT_EQ(traps.Find(9), TrapCode::kNone);
  EXPECT_EQ(traps.Find(10), TrapCode::kMemoryOutOfBounds);
  EXPECT_EQ(traps.Find(11), TrapCode::kNone);
  EXPECT_EQ(traps.Find(20), TrapCode::kNullReference);
  EXPECT_EQ(traps.Find(UINT32_MAX), TrapCode::kNone);
}

TEST(TrapTable, TakesAnyAccessInAMarkedFunction) {
  CompiledModule compiled;
  compiled.trap_ranges = {{16, 100, TrapCode::kMemoryOutOfBounds},
                          {500, 10, TrapCode::kMemoryOutOfBounds}};
  compiled.trap_sites = {{20, TrapCode::kNullReference}};
  const std::vector<uint8_t> bytes = EncodeTrapTable(compiled);
  const TrapTable traps(bytes);
  EXPECT_EQ(traps.Find(15), TrapCode::kNone);
  EXPECT_EQ(traps.Find(16), TrapCode::kMemoryOutOfBounds);
  EXPECT_EQ(traps.Find(115), TrapCode::kMemoryOutOfBounds);
  EXPECT_EQ(traps.Find(116), TrapCode::kNone);
  EXPECT_EQ(traps.Find(509), TrapCode::kMemoryOutOfBounds);
  EXPECT_EQ(traps.Find(510), TrapCode::kNone);
  EXPECT_EQ(traps.Find(20), TrapCode::kNullReference) << "the instruction's own entry comes first";
  EXPECT_EQ(traps.Find(0), TrapCode::kNone);
}

TEST(TrapTable, MergesNeighbouringFunctions) {
  CompiledModule compiled;
  for (uint32_t i = 0; i < 1000; ++i) {
    compiled.trap_ranges.push_back({i * 64, 60, TrapCode::kMemoryOutOfBounds});
  }
  EXPECT_LT(EncodeTrapTable(compiled).size(), 32u);
}

TEST(TrapTable, IsEmptyWithoutTraps) { EXPECT_TRUE(EncodeTrapTable({}).empty()); }

TEST(TrapTable, StaysInsideDamagedBytes) {
  CompiledModule compiled;
  for (uint32_t i = 0; i < 100; ++i) {
    compiled.trap_ranges.push_back({i * 640, 60, TrapCode::kMemoryOutOfBounds});
    compiled.trap_sites.push_back({i * 640 + 100, TrapCode::kNullReference});
  }
  const std::vector<uint8_t> good = EncodeTrapTable(compiled);
  std::mt19937 random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<uint8_t> bad(good.begin(), good.begin() + random() % (good.size() + 1));
    for (uint32_t flip = random() % 4; flip > 0 && !bad.empty(); --flip) {
      bad[random() % bad.size()] = static_cast<uint8_t>(random());
    }
    const TrapCode code = TrapTable(bad).Find(random() % 70'000);
    EXPECT_LE(static_cast<int>(code), static_cast<int>(TrapCode::kExit));
  }
}

}  // namespace
}  // namespace tidepool::engine
