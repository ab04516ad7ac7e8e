#include "engine/artifact/block_table.h"

#include <map>
#include <random>

#include "gtest/gtest.h"

#include "engine/artifact/block_table_writer.h"

namespace tidepool::engine {
namespace {

std::vector<uint8_t> Encode(const std::vector<BlockTableEntry>& entries) {
  return EncodeBlockTable(entries, [](const BlockTableEntry& entry) { return entry; });
}

TEST(BlockTable, FindsNothingInAnEmptyTable) {
  BlockTableEntry found;
  EXPECT_FALSE(BlockTable(Encode({})).FindAtOrBefore(0, &found));
  EXPECT_FALSE(BlockTable().FindAtOrBefore(UINT32_MAX, &found));
}

TEST(BlockTable, FindsNothingBeforeTheFirstEntry) {
  const std::vector<uint8_t> bytes = Encode({{10, 1}});
  BlockTableEntry found;
  EXPECT_FALSE(BlockTable(bytes).FindAtOrBefore(9, &found));
  ASSERT_TRUE(BlockTable(bytes).FindAtOrBefore(10, &found));
  EXPECT_EQ(found.value, 1u);
}

TEST(BlockTable, PrefersTheLastOfEqualKeys) {
  const std::vector<uint8_t> bytes = Encode({{5, 1}, {5, 2}, {5, 3}, {9, 4}});
  BlockTableEntry found;
  ASSERT_TRUE(BlockTable(bytes).FindAtOrBefore(7, &found));
  EXPECT_EQ(found.value, 3u);
}

TEST(BlockTable, AgreesWithAMapOnRandomTables) {
  std::mt19937 random(1);
  for (uint32_t count : {1u, 2u, 63u, 64u, 65u, 128u, 1000u}) {
    for (uint32_t step : {1u, 20u, 600u, 1'000'000u}) {
      std::vector<BlockTableEntry> entries;
      std::map<uint32_t, uint32_t> model;
      uint32_t key = random() % 10;
      for (uint32_t i = 0; i < count; ++i) {
        const uint32_t value = random() % 4 == 0 ? random() : i;
        entries.push_back({key, value});
        model[key] = value;
        key += random() % step;
      }
      const std::vector<uint8_t> bytes = Encode(entries);
      const BlockTable table(bytes);
      ASSERT_EQ(table.entry_count(), count);
      for (int probe = 0; probe < 300; ++probe) {
        const uint32_t wanted =
            probe % 2 == 0 ? entries[random() % count].key : random() % (key + 10);
        BlockTableEntry found;
        auto behind = model.upper_bound(wanted);
        ASSERT_EQ(table.FindAtOrBefore(wanted, &found), behind != model.begin());
        if (behind == model.begin()) continue;
        --behind;
        ASSERT_EQ(found.key, behind->first);
        ASSERT_EQ(found.value, behind->second);
      }
    }
  }
}

TEST(BlockTable, IsMuchSmallerThanItsEntries) {
  std::vector<BlockTableEntry> entries;
  for (uint32_t i = 0; i < 10'000; ++i) entries.push_back({i * 7, i * 3});
  EXPECT_LT(Encode(entries).size(), entries.size() * 2.3);
}

TEST(BlockTable, StaysInsideDamagedBytes) {
  std::vector<BlockTableEntry> entries;
  for (uint32_t i = 0; i < 500; ++i) entries.push_back({i * 300, i * 900});
  const std::vector<uint8_t> good = Encode(entries);
  std::mt19937 random(2);
  for (int round = 0; round < 20'000; ++round) {
    // A buffer of its own size: the sanitizer sees any read outside.
    std::vector<uint8_t> bad(good.begin(), good.begin() + random() % (good.size() + 1));
    for (uint32_t flip = random() % 4; flip > 0 && !bad.empty(); --flip) {
      bad[random() % std::min<size_t>(bad.size(), 200)] = static_cast<uint8_t>(random());
    }
    BlockTableEntry found;
    BlockTable(bad).FindAtOrBefore(random() % 200'000, &found);
    BlockTable(bad).FindAtOrBefore(UINT32_MAX, &found);
  }
}

}  // namespace
}  // namespace tidepool::engine
