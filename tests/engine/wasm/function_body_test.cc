#include "engine/wasm/function_body.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/wasm_builder.h"

namespace tidepool::test {
namespace {

using testing::ElementsAre;
using wasm::BodyResult;
using wasm::FeatureBit;
using wasm::Features;

// Writes down what it is shown.
struct Recorder {
  static constexpr wasm::FeatureBits kFeatures = wasm::kAllFeatures;
  std::vector<std::string> seen;
  uint32_t offset = 0;
  Opcode unsupported = Opcode::kNop;

  void BeginOperator(uint32_t at) { offset = at; }
  void VisitUnsupported(Opcode opcode) { unsupported = opcode; }
  bool VisitLocals(uint32_t count, ValueType type) {
    seen.push_back(absl::StrCat("local ", count, " ", ToString(type)));
    return true;
  }
  void EndLocals() { seen.push_back("begin"); }
  void Note(Opcode opcode, const std::string& immediates = "") {
    seen.push_back(absl::StrCat(offset, " ", ToString(opcode), immediates));
  }

  static std::string Text(int32_t value) { return absl::StrCat(" ", value); }
  static std::string Text(int64_t value) { return absl::StrCat(" ", value); }
  static std::string Text(uint32_t value) { return absl::StrCat(" ", value); }
  static std::string Text(uint64_t value) { return absl::StrCat(" ", value); }
  static std::string Text(uint8_t value) { return absl::StrCat(" lane ", value); }
  static std::string Text(ValueType type) { return " " + ToString(type); }
  static std::string Text(wasm::HeapType heap) { return Text(ValueType::Ref(heap, true)); }
  static std::string Text(wasm::V128Bytes value) { return absl::StrCat(" ", value.bytes[15]); }
  static std::string Text(wasm::CastBranch cast) {
    return absl::StrCat(" ", cast.depth, Text(cast.from), Text(cast.to));
  }
  static std::string Text(wasm::MemArg access) {
    return absl::StrCat(
        " 2^", access.align_log2, " memory ", ToInt(access.memory), "+", access.offset);
  }
  static std::string Text(wasm::BlockType type) {
    switch (type.form) {
      case wasm::BlockType::Form::kEmpty:
        return " []";
      case wasm::BlockType::Form::kValue:
        return Text(type.value);
      case wasm::BlockType::Form::kFunction:
        break;
    }
    return absl::StrCat(" type ", ToInt(type.type));
  }
  static std::string Text(wasm::BrTableReader targets) {
    std::string text;
    for (uint32_t i = 0; i <= targets.count(); ++i) absl::StrAppend(&text, " ", targets.Next());
    return text;
  }
  static std::string Text(wasm::CatchReader catches) {
    std::string text;
    for (uint32_t i = 0; i < catches.count(); ++i) {
      const wasm::CatchClause clause = catches.Next();
      absl::StrAppend(&text,
                      " (",
                      static_cast<int>(clause.kind),
                      " ",
                      ToInt(clause.tag),
                      " ",
                      clause.depth,
                      ")");
    }
    return text;
  }
  template <typename Index>
  requires std::is_enum_v<Index>
  static std::string Text(Index index) { return absl::StrCat(" #", ToInt(index)); }
#define TP_OPCODE(code, name, text, immediate, signature, feature)   \
  void Visit##name(auto... immediates) {                             \
    Note(Opcode::k##name, (std::string() + ... + Text(immediates))); \
  }
#include "engine/wasm/opcodes.def"
#undef TP_OPCODE
};

Features All() {
  Features features;
  features.simd = features.relaxed_simd = features.tail_call = features.extended_const = true;
  features.multi_memory = features.memory64 = features.function_references = features.gc = true;
  features.exceptions = features.threads = features.wide_arithmetic = true;
  return features;
}

std::vector<uint8_t> BodyOf(const Code& code) {
  std::vector<uint8_t> body = {0};
  body.insert(body.end(), code.bytes().begin(), code.bytes().end());
  return body;
}

// Both readers must show the same.
std::vector<std::string> Visited(const Code& code) {
  const std::vector<uint8_t> body = BodyOf(code);
  const Features features = All();
  Recorder checked;
  Recorder unchecked;
  EXPECT_EQ(wasm::VisitFunctionBody<true>(body, features, checked).outcome,
            BodyResult::Outcome::kDone);
  EXPECT_EQ(wasm::VisitFunctionBody<false>(body, features, unchecked).outcome,
            BodyResult::Outcome::kDone);
  EXPECT_EQ(checked.seen, unchecked.seen);
  return checked.seen;
}

TEST(FunctionBody, ShowsLocalsAsRuns) {
  const std::vector<uint8_t> body = {2, 3, 0x7F, 0x80, 0x01, 0x7C, 0x0B};
  Recorder recorder;
  wasm::VisitFunctionBody<true>(body, {}, recorder);
  EXPECT_THAT(recorder.seen, ElementsAre("local 3 i32", "local 128 f64", "begin", "6 end"));
}

TEST(FunctionBody, ShowsImmediatesOfEachKind) {
  const Code code = Code()
                        .Open(Opcode::kBlock)
                        .Open(Opcode::kLoop, ValueType::I64())
                        .Open(Opcode::kIf, static_cast<TypeIndex>(300))
                        .BrTable({1, 2, 200}, 0)
                        .I32Const(-65)
                        .I64Const(INT64_MIN)
                        .F32Bits(0x7FC00001)
                        .F64Bits(1)
                        .CallIndirect(static_cast<TypeIndex>(5), static_cast<TableIndex>(130))
                        .SelectTyped(ValueType::ExternRef())
                        .RefNull(wasm::HeapType::kFunc);
  EXPECT_THAT(Visited(code),
              ElementsAre("begin",
                          "1 block []",
                          "3 loop i64",
                          "5 if type 300",
                          "8 br_table 1 2 200 0",
                          "15 i32.const -65",
                          "18 i64.const -9223372036854775808",
                          "29 f32.const 2143289345",
                          "34 f64.const 1",
                          "43 call_indirect #5 #130",
                          "47 select externref",
                          "50 ref.null funcref"));
}

TEST(FunctionBody, ShowsMemoryAccesses) {
  EXPECT_THAT(
      Visited(Code()
                  .Access(Opcode::kI32Load, 128)
                  .Access(Opcode::kI64Store8, uint64_t{1} << 40, 0, static_cast<MemoryIndex>(3))
                  .Access(Opcode::kV128Load16Lane, 1)
                  .Byte(7)
                  .Access(Opcode::kI32AtomicRmw8CmpxchgU)
                  .Op(Opcode::kMemoryCopy, {1, 2})
                  .Op(Opcode::kMemoryInit, {4, 5})),
      ElementsAre("begin",
                  "1 i32.load 2^2 memory 0+128",
                  "5 i64.store8 2^0 memory 3+1099511627776",
                  "14 v128.load16_lane 2^1 memory 0+1 lane 7",
                  "19 i32.atomic.rmw8.cmpxchg_u 2^0 memory 0+0",
                  "23 memory.copy #1 #2",
                  "27 memory.init #4 #5"));
}

TEST(FunctionBody, ShowsExceptionsAndCasts) {
  EXPECT_THAT(
      Visited(Code()
                  .Open(Opcode::kTryTable)
                  .Bytes({2, 0, 130, 1, 3, 2, 1})
                  .Op(Opcode::kBrOnCast, {1, 6})
                  .Bytes({0x6E, 0x05})),
      ElementsAre("begin", "1 try_table [] (0 130 3) (2 0 1)", "10 br_on_cast 6 anyref (ref 5)"));
}

TEST(FunctionBody, NamesOperatorsThatAreOff) {
  for (const Code& code : {Code().Op(Opcode::kI32x4Add),
                           Code().Op(Opcode::kReturnCall, {0}),
                           Code().Op(Opcode::kAtomicFence, {0}),
                           Code().Op(Opcode::kRefEq),
                           Code().Op(Opcode::kThrowRef),
                           Code().Op(Opcode::kI64Add128)}) {
    Recorder recorder;
    const BodyResult result = wasm::VisitFunctionBody<true>(BodyOf(code), {}, recorder);
    EXPECT_EQ(result.outcome, BodyResult::Outcome::kMalformed);
    EXPECT_STREQ(result.what, "unknown operator");
    EXPECT_EQ(result.offset, 1u);
  }
}

struct CoreOnly : Recorder {
  static constexpr wasm::FeatureBits kFeatures = FeatureBit(wasm::Feature::kCore);
};

TEST(FunctionBody, TellsTheVisitorWhatItHasNoMethodFor) {
  CoreOnly visitor;
  const BodyResult result = wasm::VisitFunctionBody<false>(
      BodyOf(Code().Op(Opcode::kNop).Op(Opcode::kI32x4Add)), {}, visitor);
  EXPECT_EQ(result.outcome, BodyResult::Outcome::kStopped);
  EXPECT_EQ(result.offset, 2u);
  EXPECT_EQ(visitor.unsupported, Opcode::kI32x4Add);
}

TEST(FunctionBody, RefusesEveryPrefixOfAnImmediate) {
  const std::vector<Code> whole = {Code().I32Const(INT32_MIN),
                                   Code().I64Const(INT64_MIN),
                                   Code().F32Const(1),
                                   Code().F64Const(1),
                                   Code().BrTable({1, 2, 3}, 4),
                                   Code().Access(Opcode::kI32Load, 70000),
                                   Code().Open(Opcode::kBlock),
                                   Code().SelectTyped(ValueType::I32()),
                                   Code().Op(Opcode::kCall, {70000}),
                                   Code().Op(Opcode::kTableCopy, {1, 2}),
                                   Code().RefNull(wasm::HeapType::kFunc)};
  for (const Code& code : whole) {
    const std::vector<uint8_t> body = BodyOf(code);
    for (size_t size = 2; size < body.size(); ++size) {
      Recorder recorder;
      const BodyResult result =
          wasm::VisitFunctionBody<true>(absl::MakeConstSpan(body).first(size), {}, recorder);
      EXPECT_EQ(result.outcome, BodyResult::Outcome::kMalformed)
          << ToString(static_cast<Opcode>(body[1])) << ", " << size << " bytes";
      EXPECT_THAT(recorder.seen, ElementsAre("begin")) << "the visitor must not see half of it";
    }
  }
}

TEST(FunctionBody, RefusesNumbersThatDoNotFit) {
  for (const std::vector<uint8_t>& body :
       std::vector<std::vector<uint8_t>>{
           {0, 0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00},   // i32.const of six bytes.
           {0, 0x41, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F},         // Unused bits are not the sign.
           {0, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x1F},         // call of an index beyond 32 bits.
           {0, 0x02, 0xFF, 0x7F},                           // Block type below zero.
           {0, 0x28, 0x40, 0x00, 0x00},                     // Memory number without multi_memory.
           {0, 0x1C, 0x02, 0x7F, 0x7F},                     // select with two types.
           {0, 0xFC, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}})  // Overlong number behind a prefix.
  {
    Recorder recorder;
    EXPECT_EQ(wasm::VisitFunctionBody<true>(body, {}, recorder).outcome,
              BodyResult::Outcome::kMalformed);
  }
}

TEST(FunctionBody, CountsLocalsWithoutWrapping) {
  const std::vector<uint8_t> body = {
      2, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x7F, 0x0B};
  Recorder recorder;
  const BodyResult result = wasm::VisitFunctionBody<true>(body, {}, recorder);
  EXPECT_EQ(result.outcome, BodyResult::Outcome::kMalformed);
  EXPECT_STREQ(result.what, "too many locals");
}

}  // namespace
}  // namespace tidepool::test
