#include "engine/artifact/function_table.h"

#include "gtest/gtest.h"

namespace tidepool::engine {
namespace {

TEST(FunctionTable, FindsTheFunctionThatHoldsAnOffset) {
  const uint32_t begins[] = {0, 16, 48};
  const FunctionTable table(begins, 100);
  EXPECT_EQ(table.Find(0), 0u);
  EXPECT_EQ(table.Find(15), 0u);
  EXPECT_EQ(table.Find(16), 1u);
  EXPECT_EQ(table.Find(47), 1u);
  EXPECT_EQ(table.Find(99), 2u);
  EXPECT_EQ(table.Find(100), FunctionTable::kNone);
  EXPECT_EQ(table.TextEnd(0), 16u);
  EXPECT_EQ(table.TextEnd(2), 100u);
}

TEST(FunctionTable, FindsNothingBeforeTheFirstFunction) {
  const uint32_t begins[] = {32};
  EXPECT_EQ(FunctionTable(begins, 64).Find(31), FunctionTable::kNone);
  EXPECT_EQ(FunctionTable({}, 64).Find(31), FunctionTable::kNone);
}

TEST(FunctionTable, NeverPointsOutsideTextWhateverTheFileSays) {
  const uint32_t begins[] = {UINT32_MAX, 40, 8};
  const FunctionTable table(begins, 64);
  EXPECT_EQ(table.TextOffset(0), 0u);
  EXPECT_LE(table.TextEnd(0), 64u);
  EXPECT_GE(table.TextEnd(1), table.TextOffset(1));
}

}  // namespace
}  // namespace tidepool::engine
