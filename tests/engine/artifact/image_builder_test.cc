#include "engine/artifact/image_builder.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "engine/support/units.h"
#include "tests/engine/artifact/fake_code.h"
#include "tests/support/wasm_builder.h"

namespace tidepool::engine {
namespace {

using test::Code;
using test::GlobalIndex;
using test::WasmBuilder;

// Keeps the bytes that the plan refers to.
struct Planned {
  explicit Planned(const WasmBuilder& builder)
      : bytes(builder.Build()), module(test::Validated(bytes)), plan(module.module()) {}
  std::vector<uint8_t> Image() const {
    std::vector<uint8_t> image(plan.image_bytes());
    plan.WriteImage(absl::MakeSpan(image));
    return image;
  }
  std::vector<uint8_t> bytes;
  wasm::ValidatedModule module;
  InstanceImagePlan plan;
};

TEST(InstanceImagePlan, MakesTwoExtentsOfTwoSegmentsInFourGigabytes) {
  WasmBuilder module;
  module.Memory(65536);
  module.ActiveData(Code().I32Const(-8), "end");
  module.ActiveData(Code().I32Const(5), "begin");
  const Planned planned(module);
  ASSERT_EQ(planned.plan.extents().size(), 2u);
  EXPECT_EQ(planned.plan.extents()[0].offset_bytes, 0u);
  EXPECT_EQ(planned.plan.extents()[1].offset_bytes, 4 * kGiB - 4096);
  EXPECT_EQ(planned.plan.image_bytes(), 8192u);
  const std::vector<uint8_t> image = planned.Image();
  EXPECT_EQ(std::string(image.begin() + 5, image.begin() + 10), "begin");
  EXPECT_EQ(std::string(image.end() - 8, image.end() - 5), "end");
}

TEST(InstanceImagePlan, MergesSegmentsOnOnePageAndLetsTheLaterWin) {
  WasmBuilder module;
  module.Memory(1);
  module.ActiveData(Code().I32Const(8190), "abcd");
  module.ActiveData(Code().I32Const(0), "x");
  module.ActiveData(Code().I32Const(8191), "ZZ");
  const Planned planned(module);
  ASSERT_EQ(planned.plan.extents().size(), 1u);
  EXPECT_EQ(planned.plan.image_bytes(), 3 * 4096u);
  const std::vector<uint8_t> image = planned.Image();
  EXPECT_EQ(std::string(image.begin() + 8190, image.begin() + 8194), "aZZd");
  EXPECT_EQ(image[0], 'x');
}

TEST(InstanceImagePlan, EndsAtTheFirstSegmentThatWouldTrap) {
  WasmBuilder module;
  module.Memory(1);
  module.ActiveData(Code().I32Const(0), "in");
  module.ActiveData(Code().I32Const(65535), "xy");
  module.ActiveData(Code().I32Const(100), "not reached");
  const Planned planned(module);
  EXPECT_TRUE(planned.plan.HoldsData(0));
  EXPECT_FALSE(planned.plan.HoldsData(1));
  EXPECT_FALSE(planned.plan.HoldsData(2));
}

TEST(InstanceImagePlan, LeavesDataOutBehindAnElementSegmentThatWouldTrap) {
  WasmBuilder module;
  const wasm::FunctionIndex function = module.Function({}, {}, Code());
  const wasm::TableIndex table = module.Table(1);
  module.Memory(1);
  module.ActiveElements(table, Code().I32Const(0), {&function, 1});
  module.ActiveElements(table, Code().I32Const(1), {&function, 1});
  module.ActiveData(Code().I32Const(0), "never");
  const Planned planned(module);
  EXPECT_TRUE(planned.plan.HoldsElement(0));
  EXPECT_FALSE(planned.plan.HoldsElement(1));
  EXPECT_FALSE(planned.plan.HoldsData(0));
  EXPECT_EQ(planned.plan.image_bytes(), 0u);
}

TEST(InstanceImagePlan, EndsAtAnOffsetThatAnImportDecides) {
  WasmBuilder module;
  module.ImportGlobal("m", "g", wasm::ValueType::I32(), false);
  module.Memory(1);
  module.PassiveData("passive segments do not matter");
  module.ActiveData(Code().I32Const(0), "in");
  module.ActiveData(Code().GlobalGet(GlobalIndex{0}), "out");
  module.ActiveData(Code().I32Const(0), "out too");
  const Planned planned(module);
  EXPECT_FALSE(planned.plan.HoldsData(0));
  EXPECT_TRUE(planned.plan.HoldsData(1));
  EXPECT_FALSE(planned.plan.HoldsData(2));
  EXPECT_FALSE(planned.plan.HoldsData(3));
}

TEST(InstanceImagePlan, LeavesImportedMemoriesAndTablesAlone) {
  WasmBuilder module;
  wasm::MemoryType memory;
  memory.limits.min = 1;
  module.ImportMemory("m", "memory", memory);
  wasm::TableType table_type;
  table_type.limits.min = 10;
  const wasm::TableIndex table = module.ImportTable("m", "table", table_type);
  const wasm::FunctionIndex function = module.Function({}, {}, Code());
  module.ActiveElements(table, Code().I32Const(0), {&function, 1});
  module.ActiveData(Code().I32Const(0), "x");
  const Planned planned(module);
  EXPECT_FALSE(planned.plan.HoldsElement(0));
  EXPECT_FALSE(planned.plan.HoldsData(0));
}

TEST(InstanceImagePlan, AppliesEmptySegmentsAtTheVeryEndForNothing) {
  WasmBuilder module;
  module.Memory(1);
  module.ActiveData(Code().I32Const(65536), "");
  const Planned planned(module);
  EXPECT_TRUE(planned.plan.HoldsData(0));
  EXPECT_EQ(planned.plan.image_bytes(), 0u);
}

TEST(InstanceImagePlan, StaysInProportionToTheModule) {
  WasmBuilder module;
  module.Memory(65536);
  for (int32_t i = 0; i < 20'000; ++i) module.ActiveData(Code().I32Const(i * 8192), "x");
  const Planned planned(module);
  EXPECT_TRUE(planned.plan.HoldsData(0));
  EXPECT_FALSE(planned.plan.HoldsData(19'999));
  EXPECT_LE(planned.plan.image_bytes(), 4 * planned.bytes.size() + 4 * kMiB);
}

}  // namespace
}  // namespace tidepool::engine
