#include "engine/artifact/artifact_writer.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/engine/artifact/fake_code.h"
#include "tests/support/wasm_builder.h"

namespace tidepool::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using test::ArtifactOf;
using test::EverythingModule;
using test::Map;
using test::ToVector;

class RoundTrip : public ::testing::Test {
 protected:
  std::vector<uint8_t> bytes_ = ArtifactOf(EverythingModule());
  MappedArtifact artifact_ = Map(bytes_).value();
  const ModuleInfo& info_ = artifact_.info();
};

TEST_F(RoundTrip, KeepsDeclarations) {
  ASSERT_EQ(info_.imports.size(), 2u);
  EXPECT_EQ(info_.imports[0].module, "env");
  EXPECT_EQ(info_.imports[0].name, "log");
  EXPECT_EQ(info_.imports[1].kind, wasm::ExternalKind::kGlobal);
  ASSERT_EQ(info_.function_types.size(), 4u);
  const wasm::FunctionType& first = info_.types[info_.function_types[1]];
  EXPECT_EQ(wasm::ToString(first), "[i32] -> [i32]");
  ASSERT_EQ(info_.memories.size(), 1u);
  EXPECT_EQ(info_.memories[0].limits.min, 2u);
  EXPECT_EQ(info_.memories[0].limits.max, 65536u);
  ASSERT_EQ(info_.tables.size(), 1u);
  EXPECT_EQ(info_.tables[0].type.limits.max, 20u);
  EXPECT_EQ(info_.start, 3u);
}

TEST_F(RoundTrip, KeepsGlobals) {
  ASSERT_EQ(info_.globals.size(), 4u);
  EXPECT_TRUE(info_.globals[1].type.is_mutable);
  EXPECT_EQ(info_.globals[1].init.value, static_cast<uint32_t>(-7));
  double number;
  std::memcpy(&number, &info_.globals[2].init.value, sizeof(number));
  EXPECT_EQ(number, 2.5);
  EXPECT_EQ(info_.globals[3].init.form, wasm::ConstantExpression::Form::kRefFunc);
  EXPECT_EQ(info_.globals[3].init.index, 1u);
}

TEST_F(RoundTrip, CountsWhatVmContextHolds) {
  EXPECT_EQ(info_.counts.imported_functions, 1u);
  EXPECT_EQ(info_.counts.imported_globals, 1u);
  EXPECT_EQ(info_.counts.defined_globals, 3u);
  EXPECT_EQ(info_.counts.defined_memories, 1u);
  EXPECT_EQ(info_.counts.defined_tables, 1u);
  EXPECT_EQ(info_.counts.element_segments, 3u);
  EXPECT_EQ(info_.counts.data_segments, 3u);
  EXPECT_THAT(ToVector(info_.escaping_functions), ElementsAre(1u, 2u));
  EXPECT_EQ(info_.counts.escaping_functions, 2u);
}

TEST_F(RoundTrip, FindsExportsByName) {
  ASSERT_NE(info_.FindExport("second"), nullptr);
  EXPECT_EQ(info_.FindExport("second")->index, 2u);
  EXPECT_EQ(info_.FindExport("memory")->kind, wasm::ExternalKind::kMemory);
  EXPECT_EQ(info_.FindExport("table")->kind, wasm::ExternalKind::kTable);
  EXPECT_EQ(info_.FindExport("sec"), nullptr);
  EXPECT_EQ(info_.FindExport(""), nullptr);
  EXPECT_EQ(info_.FindExport("zzz"), nullptr);
}

TEST_F(RoundTrip, PutsConstantSegmentsIntoTheImage) {
  ASSERT_EQ(info_.memory_images.size(), 1u);
  const MemoryExtent& extent = info_.memory_images[0];
  EXPECT_EQ(extent.offset_bytes, 0u);
  EXPECT_EQ(extent.bytes.size(), 4096u);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(extent.bytes.data()) + 10, 12), "in the image");
  EXPECT_EQ(extent.file_offset_bytes % 4096, 0u);
  EXPECT_EQ(artifact_.file().data() + extent.file_offset_bytes, extent.bytes.data());
  ASSERT_EQ(info_.table_images.size(), 1u);
  EXPECT_EQ(info_.table_images[0].first, 4u);
  EXPECT_THAT(ToVector(info_.table_images[0].functions), ElementsAre(1u, 0u, 2u));
}

TEST_F(RoundTrip, KeepsOtherSegments) {
  ASSERT_EQ(info_.elements.size(), 3u);
  EXPECT_TRUE(info_.elements[0].in_image);
  EXPECT_EQ(info_.elements[0].count(), 0u);
  EXPECT_THAT(ToVector(info_.elements[1].functions), ElementsAre(1u, 0u, 2u));
  ASSERT_EQ(info_.elements[2].expressions.size(), 2u);
  EXPECT_EQ(info_.elements[2].expressions[0].form, wasm::ConstantExpression::Form::kRefNull);
  EXPECT_EQ(info_.elements[2].expressions[1].index, 2u);
  ASSERT_EQ(info_.data.size(), 3u);
  EXPECT_TRUE(info_.data[0].in_image);
  EXPECT_THAT(info_.data[0].bytes, IsEmpty());
  EXPECT_EQ(info_.data[1].mode, wasm::SegmentMode::kPassive);
  EXPECT_EQ(std::string(info_.data[1].bytes.begin(), info_.data[1].bytes.end()), "passive");
  EXPECT_FALSE(info_.data[2].in_image);
  EXPECT_EQ(info_.data[2].offset.form, wasm::ConstantExpression::Form::kGlobalGet);
}

TEST_F(RoundTrip, KeepsTables) {
  const uint32_t second = artifact_.functions().TextOffset(1);
  EXPECT_EQ(artifact_.functions().count(), 3u);
  EXPECT_EQ(second, 16u);
  EXPECT_EQ(artifact_.functions().Find(second + 5), 1u);
  EXPECT_EQ(artifact_.traps().Find(second + 4), TrapCode::kMemoryOutOfBounds);
  EXPECT_EQ(artifact_.traps().Find(second + 5), TrapCode::kNone);
  const uint32_t begin = artifact_.address_map().Find(second);
  EXPECT_EQ(artifact_.address_map().Find(second + 3), begin);
  EXPECT_EQ(artifact_.address_map().Find(second + 4), begin + 1);
  EXPECT_EQ(artifact_.names().Find(0), "log");
  EXPECT_EQ(artifact_.names().Find(1), "");
  EXPECT_EQ(artifact_.names().Find(2), "the second");
}

TEST(WriteArtifact, RecordsOptions) {
  CompileOptions options;
  options.bounds = Bounds::kExplicit;
  options.padding_bytes = 123;
  options.address_map = false;
  options.names = false;
  options.cpu_features.Set(CpuFeature::kBmi2, true);
  options.wasm_features.memory64 = true;
  options.threads = 7;
  const MappedArtifact artifact = Map(ArtifactOf(EverythingModule(), options)).value();
  const ArtifactMeta& meta = artifact.meta();
  EXPECT_EQ(meta.options.bounds, Bounds::kExplicit);
  EXPECT_EQ(meta.options.padding_bytes, 123u);
  EXPECT_FALSE(meta.options.address_map);
  EXPECT_FALSE(meta.options.names);
  EXPECT_TRUE(meta.options.cpu_features.Has(CpuFeature::kBmi2));
  EXPECT_TRUE(meta.options.wasm_features.memory64);
  EXPECT_FALSE(meta.options.wasm_features.simd);
  EXPECT_EQ(meta.compiler_version, kCompilerVersion);
  EXPECT_TRUE(artifact.address_map().empty());
  EXPECT_EQ(artifact.names().name_count(), 0u);
}

TEST(WriteArtifact, GivesTheSameBytesForTheSameInputWhateverTheThreads) {
  CompileOptions one;
  CompileOptions many;
  many.threads = 8;
  EXPECT_EQ(ArtifactOf(EverythingModule(), one), ArtifactOf(EverythingModule(), many));
  CompileOptions other;
  other.names = false;
  EXPECT_NE(ArtifactOf(EverythingModule(), one), ArtifactOf(EverythingModule(), other));
}

TEST(WriteArtifact, LeavesOutImageSegmentsThatNoInstructionCanName) {
  test::WasmBuilder module;
  module.ImportGlobal("m", "g", wasm::ValueType::I32(), false);
  module.Memory(1);
  for (int i = 0; i < 100; ++i) module.ActiveData(test::Code().I32Const(i), "x");
  module.ActiveData(test::Code().GlobalGet(wasm::GlobalIndex{0}), "kept");
  const std::vector<uint8_t> counted = module.Build();
  EXPECT_EQ(Map(ArtifactOf(counted)).value().info().data.size(), 101u);
  const MappedArtifact artifact = Map(ArtifactOf(test::WithoutDataCount(counted))).value();
  EXPECT_EQ(artifact.info().counts.data_segments, 1u);
  ASSERT_EQ(artifact.info().data.size(), 1u);
  EXPECT_EQ(artifact.info().data[0].bytes.size(), 4u);
  EXPECT_EQ(artifact.info().memory_images[0].bytes[99], 'x');
}

TEST(WriteArtifact, AcceptsTheEmptyModule) {
  const MappedArtifact artifact =
      Map(ArtifactOf(test::WasmBuilder().Build()), {.cpu_features = CpuFeatureSet()}).value();
  EXPECT_THAT(artifact.text(), IsEmpty());
  EXPECT_THAT(artifact.info().exports, IsEmpty());
  EXPECT_TRUE(artifact.Verify().ok());
}

TEST(WriteArtifact, RefusesCodeBeyondTheReachOfBranches) {
  EXPECT_TRUE(CheckTextBytes(kTextBytesMax).ok());
  const absl::Status status = CheckTextBytes(kTextBytesMax + 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("the limit is 2146435072 bytes"));
}

}  // namespace
}  // namespace tidepool::engine
