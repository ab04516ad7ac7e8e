#include "engine/abi/vm_context.h"

#include "gtest/gtest.h"

namespace tidepool::engine::abi {
namespace {

TEST(VmContextLayout, ArraysFollowEachOtherWithoutOverlap) {
  VmContextCounts counts;
  counts.imported_functions = 3;
  counts.imported_memories = 1;
  counts.defined_memories = 2;
  counts.imported_tables = 1;
  counts.defined_tables = 1;
  counts.imported_globals = 1;
  counts.defined_globals = 5;
  counts.escaping_functions = 7;
  counts.element_segments = 3;
  counts.data_segments = 2;
  const VmContextLayout layout(counts);
  EXPECT_EQ(layout.MemoryReference(0), static_cast<uint64_t>(vmctx::kFixedBytes));
  EXPECT_EQ(layout.TableReference(0), layout.MemoryReference(3));
  EXPECT_EQ(layout.ImportedGlobal(0), layout.TableReference(2));
  EXPECT_EQ(layout.FunctionImport(0), layout.ImportedGlobal(1));
  EXPECT_EQ(layout.MemoryRecord(0), layout.FunctionImport(3));
  EXPECT_EQ(layout.TableRecord(0), layout.MemoryRecord(2));
  EXPECT_GE(layout.Global(0), layout.TableRecord(1));
  EXPECT_EQ(layout.Global(0) % alignof(GlobalCell), 0u) << "a v128 cell is loaded with alignment";
  EXPECT_EQ(layout.FunctionRecord(0), layout.Global(5));
  EXPECT_EQ(layout.ElementDropped(0), layout.FunctionRecord(7));
  EXPECT_EQ(layout.DataDropped(0), layout.ElementDropped(3));
  EXPECT_GE(layout.bytes(), layout.DataDropped(2));
}

TEST(VmContextLayout, AModuleWithoutAnythingIsTheFixedPart) {
  EXPECT_EQ(VmContextLayout(VmContextCounts{}).bytes(), sizeof(VmContext));
}

}  // namespace
}  // namespace tidepool::engine::abi
