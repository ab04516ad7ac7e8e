#include "engine/wasm/decoder.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "engine/wasm/limits.h"
#include "tests/engine/wasm/module_checks.h"

namespace tidepool::test {
namespace {

using testing::HasSubstr;
using wasm::ConstantExpression;
using wasm::Features;
using wasm::Module;
using wasm::SegmentMode;

absl::Status DecodeStatus(absl::Span<const uint8_t> bytes, const Features& features = {}) {
  return wasm::Decode(bytes, features).status();
}

// A module with each kind of section.
WasmBuilder EverySection() {
  WasmBuilder module;
  const FunctionIndex log =
      module.ImportFunction("host", "log", {ValueType::I32(), ValueType::I64()}, {});
  module.ImportGlobal("host", "g", ValueType::I32(), false);
  module.Table(4, 9);
  module.Memory(1, 2);
  const GlobalIndex count = module.Global(ValueType::I64(), true, Code().I64Const(-2));
  module.Global(ValueType::FuncRef(), false, Code().RefFunc(log));
  const FunctionIndex start = module.Function({}, {}, Code().I64Const(1).GlobalSet(count));
  module.Start(start);
  module.ExportFunction("start", start);
  module.ActiveElements({}, Code().GlobalGet({}), {log, start});
  module.PassiveElements({start});
  module.ActiveData(Code().I32Const(8), "active");
  module.PassiveData("passive");
  module.Custom("note", {1, 2, 3});
  return module;
}

TEST(Decoder, KeepsWhatTheSectionsDeclare) {
  const std::vector<uint8_t> bytes = EverySection().Build();
  const absl::StatusOr<Module> decoded = wasm::Decode(bytes, {});
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  const Module& module = *decoded;
  ASSERT_EQ(module.imports.size(), 2u);
  EXPECT_EQ(module.imports[0].module, "host");
  EXPECT_EQ(module.imports[0].name, "log");
  EXPECT_EQ(module.imported_function_count, 1u);
  EXPECT_EQ(module.imported_global_count, 1u);
  EXPECT_EQ(ToString(module.TypeOf(FunctionIndex{0})), "[i32 i64] -> []");
  EXPECT_TRUE(module.IsImported(FunctionIndex{0}));
  EXPECT_FALSE(module.IsImported(FunctionIndex{1}));
  EXPECT_EQ(module.tables[0].type.limits.max, 9u);
  EXPECT_EQ(module.memories[0].type.limits.min, 1u);
  EXPECT_EQ(module.globals[1].init.form, ConstantExpression::Form::kI64);
  EXPECT_EQ(static_cast<int64_t>(module.globals[1].init.value), -2);
  EXPECT_EQ(module.globals[2].init.form, ConstantExpression::Form::kRefFunc);
  EXPECT_EQ(module.start, FunctionIndex{1});
  EXPECT_EQ(module.exports[0].name, "start");
  EXPECT_EQ(module.elements[0].mode, SegmentMode::kActive);
  EXPECT_EQ(module.elements[0].offset.form, ConstantExpression::Form::kGlobalGet);
  EXPECT_EQ(module.elements[0].count(), 2u);
  EXPECT_EQ(module.elements[1].mode, SegmentMode::kPassive);
  EXPECT_EQ(module.data[0].offset.value, 8u);
  EXPECT_EQ(module.data[1].bytes.size(), 7u);
  EXPECT_EQ(module.data_count, 2u);
  EXPECT_EQ(module.custom_sections[0].name, "note");
  EXPECT_EQ(module.custom_sections[0].bytes.size(), 3u);
  const wasm::FunctionBody& body = module.BodyOf(FunctionIndex{1});
  EXPECT_EQ(bytes.data() + body.offset, body.code.data());
  EXPECT_EQ(module.code_section_bytes, body.code.size() + 2);
}

TEST(Decoder, RefusesEveryPrefixOfAModule) {
  const std::vector<uint8_t> bytes = EverySection().Build();
  int whole = 0;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<uint8_t> prefix(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    if (Verdict(prefix).ok()) ++whole;
  }
  // Behind the header; before and behind types, imports (whose function needs the types); the
  // sections up to the function section; the whole but the custom section.
  EXPECT_LE(whole, 5);
}

TEST(Decoder, NamesOffsetAndReason) {
  EXPECT_THAT(Message(DecodeStatus({})), HasSubstr("magic number"));
  EXPECT_THAT(Message(DecodeStatus({0, 0x61, 0x73, 0x6D, 13, 0, 1, 0})),
              HasSubstr("at offset 0x4: unknown binary version 0x1000d"));
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({14, 0}))), HasSubstr("unknown section id 14"));
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({1, 9, 0}))), HasSubstr("claims 9 bytes, 1 are left"));
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({3, 1, 0, 1, 1, 0}))), HasSubstr("out of order"));
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({1, 1, 0, 1, 1, 0}))), HasSubstr("repeated"));
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({1, 2, 0, 0}))), HasSubstr("1 bytes behind"));
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({1, 4, 1, 0x5F, 0, 0}))),
              HasSubstr("unknown form of type 0x5f"));
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({1, 5, 1, 0x60, 1, 0x7B, 0}))),
              HasSubstr("malformed value type"))
      << "v128 while simd is off";
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({5, 3, 1, 4, 0}))), HasSubstr("limits flags 0x04"));
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({0, 2, 1, 0xFF}))), HasSubstr("is not UTF-8"));
}

TEST(Decoder, RefusesFunctionsWithoutBodiesAndBodiesWithoutFunctions) {
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0}))),
              HasSubstr("declares 1 functions, code section has 0"));
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({10, 4, 1, 2, 0, 0x0B}))),
              HasSubstr("declares 0 functions, code section has 1"));
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({12, 1, 1}))),
              HasSubstr("declares 1 segments, data section has 0"));
}

TEST(Decoder, RefusesWhatIsNotConstant) {
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({6, 6, 1, 0x7F, 0, 0x45, 0x0B, 0}))),
              HasSubstr("constant expression required, found opcode 0x45"));
  // i32.add is constant with extended_const only.
  const std::vector<uint8_t> sum = ModuleOf({6, 9, 1, 0x7F, 0, 0x41, 1, 0x41, 2, 0x6A, 0x0B});
  EXPECT_THAT(Message(DecodeStatus(sum)), HasSubstr("constant expression required"));
  Features features;
  features.extended_const = true;
  const absl::StatusOr<Module> module = wasm::Decode(sum, features);
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_EQ(module->globals[0].init.form, ConstantExpression::Form::kOther);
  EXPECT_EQ(module->globals[0].init.code.size(), 6u);
}

// A count that lies is refused before anything is allocated for it.
TEST(Decoder, RefusesCountsThatTheBytesDoNotBack) {
  for (const uint8_t section : {1, 2, 3, 4, 5, 6, 7, 9, 11}) {
    EXPECT_THAT(Message(DecodeStatus(ModuleOf({section, 3, 0xA0, 0x8D, 0x06}))),
                testing::AnyOf(HasSubstr("do not fit in 0 bytes"), HasSubstr("the limit is")))
        << "section " << int{section};
  }
  // An element segment, a parameter list and a name within a section.
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({9, 6, 1, 1, 0, 0xFF, 0xFF, 0x03}))),
              HasSubstr("entries of an element segment do not fit"));
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({1, 5, 1, 0x60, 0xE8, 0x07, 0x7F}))),
              HasSubstr("1000 parameters do not fit"));
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({2, 5, 1, 0x64, 'a', 0, 0}))),
              HasSubstr("unexpected end"));
}

TEST(Decoder, NamesTheLimitThatIsPassed) {
  // 0xC1843D is 1,000,001.
  const std::vector<std::pair<uint8_t, const char*>> sections = {
      {1, "1000001 types, the limit is 1000000"},
      {2, "1000001 imports, the limit is 1000000"},
      {3, "1000001 functions, the limit is 1000000"},
      {6, "1000001 globals, the limit is 1000000"},
      {7, "1000001 exports, the limit is 1000000"},
      {4, "1000001 tables, the limit is 100000"},
      {5, "1000001 memories, the limit is 100"},
      {11, "1000001 data segments, the limit is 1000000"}};
  for (const auto& [section, message] : sections) {
    EXPECT_THAT(Message(DecodeStatus(ModuleOf({section, 3, 0xC1, 0x84, 0x3D}))),
                HasSubstr(message));
  }
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({1, 4, 1, 0x60, 0xE9, 0x07}))),
              HasSubstr("1001 parameters, the limit is 1000"));
  EXPECT_THAT(Message(DecodeStatus(ModuleOf({1, 5, 1, 0x60, 0, 0xE9, 0x07}))),
              HasSubstr("1001 results, the limit is 1000"));
}

TEST(Decoder, LimitsNamesAndBodies) {
  WasmBuilder named;
  named.Custom(std::string(wasm::kNameBytesMax, 'n'), {});
  EXPECT_TRUE(DecodeStatus(named.Build()).ok());
  WasmBuilder longer;
  longer.Custom(std::string(wasm::kNameBytesMax + 1, 'n'), {});
  EXPECT_THAT(Message(DecodeStatus(longer.Build())),
              HasSubstr("100001 bytes, the limit is 100000"));

  const auto body_of = [](size_t nops) {
    WasmBuilder module;
    module.Function({}, {}, Code().Bytes(std::vector<uint8_t>(nops, 0x01)));
    return module.Build();
  };
  // Two bytes are the number of local runs and the end.
  EXPECT_TRUE(Verdict(body_of(wasm::kFunctionBodyBytesMax - 2)).ok());
  EXPECT_THAT(Message(Verdict(body_of(wasm::kFunctionBodyBytesMax - 1))),
              HasSubstr("7654322 bytes, the limit is 7654321"));
}

TEST(Decoder, FeaturesThatAreOffDoNotExist) {
  const std::vector<uint8_t> tags = ModuleOf({1, 4, 1, 0x60, 0, 0, 13, 3, 1, 0, 0});
  const std::vector<uint8_t> wide = ModuleOf({5, 3, 1, 4, 0});
  const std::vector<uint8_t> shared = ModuleOf({5, 4, 1, 3, 0, 1});
  const std::vector<uint8_t> typed = ModuleOf({1, 6, 1, 0x60, 1, 0x63, 0x70, 0});
  for (const std::vector<uint8_t>& bytes : {tags, wide, shared, typed}) {
    EXPECT_EQ(Verdict(bytes).code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(Verdict(bytes, EveryFeature()), absl::OkStatus());
  }
  Features gc;
  gc.gc = true;
  EXPECT_EQ(DecodeStatus(wide, gc).code(), absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace tidepool::test
