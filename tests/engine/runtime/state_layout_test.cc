#include "engine/runtime/state_layout.h"

#include "engine/runtime/host_record.h"
#include "engine/support/units.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidepool::engine {
namespace {

using ::testing::Each;
using ::testing::Eq;
using ::testing::Field;
using ::testing::Ge;
using ::testing::Le;

ModuleInfo Tables(std::initializer_list<std::pair<uint64_t, uint64_t>> min_and_max) {
  ModuleInfo info;
  for (const auto& [min, max] : min_and_max) {
    InfoTable table;
    table.type.limits = {.min = min, .max = max, .has_max = max != UINT64_MAX};
    info.tables.push_back(table);
  }
  info.counts.defined_tables = static_cast<uint32_t>(info.tables.size());
  return info;
}

TEST(StateLayout, GivesATableThatCannotGrowWhatItBeginsWith) {
  const StateLayout layout = PlanState(Tables({{10, 10}}), 1000);
  EXPECT_TRUE(layout.tables_fit);
  EXPECT_THAT(layout.tables[0].capacity, Eq(10u));
  EXPECT_TRUE(IsAligned(layout.tables[0].offset, kHostPageBytes));
  EXPECT_TRUE(IsAligned(layout.bytes, kHostPageBytes));
}

TEST(StateLayout, LetsTablesThatGrowShareTheRest) {
  const StateLayout layout = PlanState(Tables({{10, UINT64_MAX}, {50, 50}, {0, 200}}), 1000);
  EXPECT_THAT(layout.tables[0].capacity, Eq(10u + 470));
  EXPECT_THAT(layout.tables[1].capacity, Eq(50u));
  EXPECT_THAT(layout.tables[2].capacity, Eq(200u)) << "no more than its maximum";
}

TEST(StateLayout, StaysBoundedHoweverManyTablesThereAre) {
  ModuleInfo info;
  info.tables.resize(100'000);
  info.counts.defined_tables = 100'000;
  const StateLayout layout = PlanState(info, 10'000'000);
  EXPECT_TRUE(layout.tables_fit);
  EXPECT_THAT(layout.bytes, Le(8 * 10'000'000 + 100'000 * 48 + 2 * kHostPageBytes));
}

TEST(StateLayout, SaysWhenTablesBeginWithTooMuch) {
  EXPECT_FALSE(PlanState(Tables({{1001, UINT64_MAX}}), 1000).tables_fit);
  EXPECT_FALSE(PlanState(Tables({{600, 600}, {600, 600}}), 1000).tables_fit);
  EXPECT_FALSE(PlanState(Tables({{UINT64_MAX, UINT64_MAX}, {UINT64_MAX, UINT64_MAX}}), 1000).tables_fit);
  EXPECT_TRUE(PlanState(Tables({{500, 500}, {500, 500}}), 1000).tables_fit);
}

TEST(StateLayout, PlacesNothingOverAnythingElse) {
  ModuleInfo info = Tables({{3, 3}, {0, 0}, {1, 9}});
  info.counts.imported_functions = 3;
  info.counts.escaping_functions = 2;
  info.counts.data_segments = 5;
  const StateLayout layout = PlanState(info, 100);
  EXPECT_THAT(layout.host_records, Ge(layout.context.bytes()));
  EXPECT_THAT(layout.HostRecord(1) - layout.HostRecord(0), Eq(sizeof(HostRecord)));
  EXPECT_THAT(layout.tables[0].offset, Ge(layout.HostRecord(3)));
  for (size_t i = 1; i < layout.tables.size(); ++i) {
    const TablePlace& before = layout.tables[i - 1];
    EXPECT_THAT(layout.tables[i].offset, Ge(before.offset + 8 * before.capacity));
  }
  EXPECT_THAT(layout.bytes, Ge(layout.tables[2].offset + 8 * layout.tables[2].capacity));
}

}  // namespace
}  // namespace tidepool::engine
