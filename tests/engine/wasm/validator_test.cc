#include "engine/wasm/validator.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "engine/wasm/limits.h"
#include "tests/engine/wasm/module_checks.h"

namespace tidepool::test {
namespace {

using testing::HasSubstr;
using wasm::Features;
using wasm::HeapType;
using Types = WasmBuilder::Types;

// What is said about a module of one function [i32] -> results, with memory and table.
absl::Status BodyVerdict(const Code& code,
                         const Types& results = {},
                         const Features& features = {}) {
  WasmBuilder module;
  module.Table(1);
  module.Memory(1);
  module.Function({ValueType::I32()}, results, code);
  return Verdict(module, features);
}

TEST(Validator, AcceptsWhatAgrees) {
  EXPECT_EQ(BodyVerdict(Code().LocalGet(0).I32Const(1).Op(Opcode::kI32Add), {ValueType::I32()}),
            absl::OkStatus());
  EXPECT_EQ(BodyVerdict(Code().LocalGet(0).Access(Opcode::kI64Load).Op(Opcode::kDrop)),
            absl::OkStatus());
}

TEST(Validator, NamesWhatDoesNotFitAndWhere) {
  WasmBuilder module;
  const FunctionIndex f =
      module.Function({}, {ValueType::I32()}, Code().I64Const(1).I32Const(2).Op(Opcode::kI32Add));
  module.NameFunction(f, "sum");
  const std::vector<uint8_t> bytes = module.Build();
  const absl::StatusOr<wasm::Module> decoded = wasm::Decode(bytes, {});
  ASSERT_TRUE(decoded.ok());
  const absl::Status verdict = Verdict(bytes);
  EXPECT_EQ(verdict.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(verdict),
              HasSubstr(absl::StrCat("at offset 0x", absl::Hex(decoded->bodies[0].offset + 5))));
  EXPECT_THAT(Message(verdict),
              HasSubstr("function 0 \"sum\", i32.add: type mismatch: expected i32, found i64"));
}

TEST(Validator, RefusesEmptyStacksAndLeftovers) {
  EXPECT_THAT(Message(BodyVerdict(Code().Op(Opcode::kDrop))), HasSubstr("the stack is empty"));
  EXPECT_THAT(Message(BodyVerdict(Code().I32Const(1))), HasSubstr("1 values remain"));
  EXPECT_THAT(Message(BodyVerdict(Code().I32Const(1).Open(Opcode::kBlock).Op(Opcode::kDrop).End())),
              HasSubstr("the stack is empty"))
      << "a block must not reach the operands below it";
}

TEST(Validator, RefusesUnknownIndexes) {
  EXPECT_THAT(Message(BodyVerdict(Code().LocalGet(1))), HasSubstr("unknown local 1"));
  EXPECT_THAT(Message(BodyVerdict(Code().GlobalGet({}))), HasSubstr("unknown global"));
  EXPECT_THAT(Message(BodyVerdict(Code().Call(FunctionIndex{9}))), HasSubstr("unknown function 9"));
  EXPECT_THAT(Message(BodyVerdict(Code().Br(1 + 0).Br(2))), HasSubstr("unknown label 1"));
  EXPECT_THAT(Message(BodyVerdict(Code().CallIndirect(TypeIndex{7}))), HasSubstr("unknown type 7"));
  EXPECT_THAT(Message(BodyVerdict(Code().Op(Opcode::kTableSize, {3}))),
              HasSubstr("unknown table 3"));
  EXPECT_THAT(Message(BodyVerdict(Code().Op(Opcode::kMemorySize, {2}))),
              HasSubstr("unknown memory 2"));
  EXPECT_THAT(Message(BodyVerdict(Code().Op(Opcode::kElemDrop, {0}))),
              HasSubstr("unknown element segment 0"));
  EXPECT_THAT(Message(BodyVerdict(Code().Op(Opcode::kDataDrop, {0}))),
              HasSubstr("data count section required"));
  EXPECT_THAT(Message(BodyVerdict(Code().Open(Opcode::kBlock, TypeIndex{5}).End())),
              HasSubstr("unknown type 5"));
}

TEST(Validator, UnreachableCodeTakesWhatItWantsButIsTyped) {
  EXPECT_EQ(BodyVerdict(Code().Op(Opcode::kUnreachable).Op(Opcode::kI32Add), {ValueType::I32()}),
            absl::OkStatus());
  EXPECT_EQ(BodyVerdict(Code().Br(0).Op(Opcode::kSelect).Op(Opcode::kDrop)), absl::OkStatus());
  EXPECT_THAT(
      Message(BodyVerdict(
          Code().Op(Opcode::kUnreachable).I64Const(1).Op(Opcode::kI32Eqz).Op(Opcode::kDrop))),
      HasSubstr("expected i32, found i64"));
  EXPECT_THAT(Message(BodyVerdict(Code().Op(Opcode::kReturn).I32Const(1))),
              HasSubstr("1 values remain"));
}

TEST(Validator, BodiesEndWithTheirEnd) {
  EXPECT_THAT(Message(BodyVerdict(Code().End())), HasSubstr("behind the end of the body"));
  EXPECT_THAT(Message(BodyVerdict(Code().Open(Opcode::kBlock))), HasSubstr("1 blocks are open"));
  EXPECT_THAT(Message(BodyVerdict(Code().Else())), HasSubstr("else without if"));
}

TEST(Validator, BlocksPassValuesAsTheirTypeSays) {
  WasmBuilder module;
  const TypeIndex swap =
      module.Type({ValueType::I32(), ValueType::I64()}, {ValueType::I64(), ValueType::I32()});
  module.Function({},
                  {},
                  Code()
                      .I32Const(1)
                      .I64Const(2)
                      .Open(Opcode::kBlock, swap)
                      .Op(Opcode::kI32WrapI64)
                      .Op(Opcode::kDrop)
                      .Op(Opcode::kI64ExtendI32U)
                      .I32Const(3)
                      .End()
                      .Op(Opcode::kDrop)
                      .Op(Opcode::kDrop));
  EXPECT_EQ(Verdict(module), absl::OkStatus());
  EXPECT_EQ(BodyVerdict(Code()
                            .LocalGet(0)
                            .Open(Opcode::kIf, ValueType::I32())
                            .I32Const(1)
                            .Else()
                            .I32Const(2)
                            .End(),
                        {ValueType::I32()}),
            absl::OkStatus());
  EXPECT_THAT(
      Message(BodyVerdict(Code().LocalGet(0).Open(Opcode::kIf, ValueType::I32()).I32Const(1).End(),
                          {ValueType::I32()})),
      HasSubstr("if without else"));
  // A branch to a loop takes its parameters, of which this one has none.
  EXPECT_EQ(
      BodyVerdict(Code().Open(Opcode::kLoop, ValueType::I32()).Br(0).End(), {ValueType::I32()}),
      absl::OkStatus());
}

TEST(Validator, BranchTablesAgreeInNumber) {
  EXPECT_THAT(
      Message(BodyVerdict(
          Code().Open(Opcode::kBlock).I32Const(1).LocalGet(0).BrTable({0}, 1).End().I32Const(1),
          {ValueType::I32()})),
      HasSubstr("different numbers of values"));
  const std::vector<uint32_t> most(wasm::kBrTableTargetCountMax, 0);
  EXPECT_EQ(BodyVerdict(Code().LocalGet(0).BrTable(most, 0)), absl::OkStatus());
  const std::vector<uint32_t> more(wasm::kBrTableTargetCountMax + 1, 0);
  EXPECT_THAT(Message(BodyVerdict(Code().LocalGet(0).BrTable(more, 0))),
              HasSubstr("65521 targets, the limit is 65520"));
}

TEST(Validator, SelectWithoutTypeIsForNumbers) {
  const Code refs = Code().RefNull(HeapType::kFunc).RefNull(HeapType::kFunc).LocalGet(0);
  EXPECT_THAT(Message(BodyVerdict(Code(refs).Op(Opcode::kSelect).Op(Opcode::kDrop))),
              HasSubstr("needs a type"));
  EXPECT_EQ(BodyVerdict(Code(refs).SelectTyped(ValueType::FuncRef()).Op(Opcode::kDrop)),
            absl::OkStatus());
  EXPECT_THAT(
      Message(BodyVerdict(
          Code().I32Const(1).I64Const(1).LocalGet(0).Op(Opcode::kSelect).Op(Opcode::kDrop))),
      HasSubstr("expected i32, found i64"));
}

TEST(Validator, AccessesKeepToTheirAlignmentAndMemory) {
  EXPECT_THAT(
      Message(BodyVerdict(Code().LocalGet(0).Access(Opcode::kI32Load16U, 0, 2).Op(Opcode::kDrop))),
      HasSubstr("alignment 2^2 is larger than the natural 2^1"));
  Features threads;
  threads.threads = true;
  EXPECT_THAT(
      Message(BodyVerdict(
          Code().LocalGet(0).Access(Opcode::kI32AtomicLoad, 0, 1).Op(Opcode::kDrop), {}, threads)),
      HasSubstr("needs the natural alignment 2^2"));
  Features wide;
  wide.memory64 = true;
  EXPECT_THAT(Message(BodyVerdict(
                  Code().LocalGet(0).Access(Opcode::kI32Load, uint64_t{1} << 32).Op(Opcode::kDrop),
                  {},
                  wide)),
              HasSubstr("out of range for a 32-bit memory"));
  WasmBuilder memory64;
  wasm::MemoryType type;
  type.address = wasm::AddressType::kI64;
  memory64.Memory(type);
  memory64.Function(
      {}, {}, Code().I64Const(0).Access(Opcode::kI32Load, uint64_t{1} << 32).Op(Opcode::kDrop));
  EXPECT_EQ(Verdict(memory64, wide), absl::OkStatus());
  WasmBuilder none;
  none.Function({}, {}, Code().I32Const(0).Access(Opcode::kI32Load).Op(Opcode::kDrop));
  EXPECT_THAT(Message(Verdict(none)), HasSubstr("unknown memory 0"));
}

TEST(Validator, LocalsAreFoundWhereverTheyLie) {
  // Few flat ones, many in runs: each side of each border.
  WasmBuilder module;
  Code code;
  for (const uint32_t local : {0u, 1u, 100u, 101u, 127u, 128u, 129u, 39999u}) {
    code.LocalGet(local).Op(local <= 100 ? Opcode::kI32Eqz : Opcode::kI64Eqz).Op(Opcode::kDrop);
  }
  code.LocalGet(40000).F32Const(1).Op(Opcode::kF32Add).Op(Opcode::kDrop);
  module.Function({ValueType::I32()},
                  {},
                  code,
                  {{100, ValueType::I32()},
                   {0, ValueType::F64()},
                   {39899, ValueType::I64()},
                   {1, ValueType::F32()}});
  EXPECT_EQ(Verdict(module), absl::OkStatus());

  WasmBuilder many_params;
  many_params.Function(Types(300, ValueType::F64()),
                       {},
                       Code().LocalGet(299).Op(Opcode::kF64Neg).LocalSet(300),
                       {{1, ValueType::F64()}});
  EXPECT_EQ(Verdict(many_params), absl::OkStatus());
}

TEST(Validator, LimitsLocalsIncludingParameters) {
  const auto with_locals = [](uint32_t count) {
    WasmBuilder module;
    module.Function({ValueType::I32()}, {}, Code(), {{count, ValueType::I64()}});
    return Verdict(module);
  };
  EXPECT_EQ(with_locals(wasm::kLocalCountMax - 1), absl::OkStatus());
  EXPECT_THAT(Message(with_locals(wasm::kLocalCountMax)), HasSubstr("more than 50000 locals"));
  EXPECT_THAT(Message(with_locals(UINT32_MAX)), HasSubstr("more than 50000 locals"));
}

TEST(Validator, GlobalsAreSetOnlyIfMutable) {
  WasmBuilder module;
  const GlobalIndex fixed = module.Global(ValueType::I32(), false, Code().I32Const(1));
  module.Function({}, {}, Code().I32Const(2).GlobalSet(fixed));
  EXPECT_THAT(Message(Verdict(module)), HasSubstr("global is immutable"));
}

TEST(Validator, ConstantExpressionsReadEarlierImmutableGlobals) {
  WasmBuilder good;
  const GlobalIndex first = good.Global(ValueType::I32(), false, Code().I32Const(1));
  good.Global(ValueType::I32(), false, Code().GlobalGet(first));
  EXPECT_EQ(Verdict(good), absl::OkStatus());
  WasmBuilder itself;
  itself.Global(ValueType::I32(), false, Code().GlobalGet({}));
  EXPECT_THAT(Message(Verdict(itself)), HasSubstr("unknown global 0"));
  WasmBuilder changing;
  const GlobalIndex variable = changing.Global(ValueType::I32(), true, Code().I32Const(1));
  changing.Global(ValueType::I32(), false, Code().GlobalGet(variable));
  EXPECT_THAT(Message(Verdict(changing)), HasSubstr("global 0 is mutable"));
  WasmBuilder two;
  two.Global(ValueType::I32(), false, Code().I32Const(1).I32Const(2));
  EXPECT_THAT(Message(Verdict(two)), HasSubstr("leaves 2 values, expected 1"));
  WasmBuilder none;
  none.Global(ValueType::I32(), false, Code());
  EXPECT_THAT(Message(Verdict(none)), HasSubstr("leaves 0 values, expected 1"));
}

TEST(Validator, ExtendedConstantsAreTyped) {
  Features features;
  features.extended_const = true;
  WasmBuilder sum;
  sum.Global(ValueType::I64(), false, Code().I64Const(1).I64Const(2).Op(Opcode::kI64Mul));
  EXPECT_EQ(Verdict(sum, features), absl::OkStatus());
  WasmBuilder mixed;
  mixed.Global(ValueType::I64(), false, Code().I64Const(1).I32Const(2).Op(Opcode::kI64Mul));
  EXPECT_THAT(Message(Verdict(mixed, features)), HasSubstr("type mismatch in i64.mul"));
}

TEST(Validator, ChecksDeclarations) {
  WasmBuilder memory;
  memory.Memory(65537);
  EXPECT_THAT(Message(Verdict(memory)), HasSubstr("memory 0: size of more than 65536 pages"));
  WasmBuilder limits;
  limits.Table(5, 4);
  EXPECT_THAT(Message(Verdict(limits)), HasSubstr("minimum 5 is greater than maximum 4"));
  WasmBuilder two;
  two.Memory(1);
  two.Memory(1);
  EXPECT_THAT(Message(Verdict(two)), HasSubstr("multiple memories: 2"));
  WasmBuilder start;
  start.Start(start.Function({ValueType::I32()}, {}, Code()));
  EXPECT_THAT(Message(Verdict(start)), HasSubstr("start function 0 has type [i32] -> []"));
  WasmBuilder twice;
  const FunctionIndex f = twice.Function({}, {}, Code());
  twice.ExportFunction("f", f);
  twice.ExportFunction("f", f);
  EXPECT_THAT(Message(Verdict(twice)), HasSubstr("duplicate export \"f\""));
  WasmBuilder missing;
  missing.ExportMemory("m");
  EXPECT_THAT(Message(Verdict(missing)), HasSubstr("export \"m\": unknown memory 0"));
  WasmBuilder offset;
  offset.Memory(1);
  offset.ActiveData(Code().I64Const(0), "x");
  EXPECT_THAT(Message(Verdict(offset)), HasSubstr("expected i32, found i64"));
  WasmBuilder no_table;
  no_table.ActiveElements(TableIndex{2}, Code().I32Const(0), {});
  EXPECT_THAT(Message(Verdict(no_table)), HasSubstr("unknown table 2"));
}

// A valid module may ask for more than any host has; refusing it is instantiation's part (D5).
TEST(Validator, AcceptsTheLargestMemoriesAndTables) {
  WasmBuilder module;
  module.Table(UINT32_MAX);
  module.Memory(wasm::kMemory32WasmPagesMax, wasm::kMemory32WasmPagesMax);
  EXPECT_EQ(Verdict(module), absl::OkStatus());
}

// Exactly: exported, in an element segment of any mode, in a global's initialiser.
TEST(Validator, KnowsWhoseAddressEscapes) {
  WasmBuilder module;
  const FunctionIndex imported = module.ImportFunction("m", "f", {}, {});
  module.Table(4);
  std::vector<FunctionIndex> f;
  for (int i = 0; i < 6; ++i) f.push_back(module.Function({}, {}, Code()));
  const FunctionIndex user =
      module.Function({}, {}, Code().Call(f[5]).RefFunc(f[3]).Op(Opcode::kDrop));
  module.Start(f[4]);
  module.ExportFunction("exported", f[0]);
  module.ActiveElements({}, Code().I32Const(0), {f[1]});
  const std::vector<Code> entries = {Code().RefFunc(imported)};
  module.PassiveElements(ValueType::FuncRef(), entries);
  module.Global(ValueType::FuncRef(), false, Code().RefFunc(f[2]));
  module.DeclareFunctions({f[3]});
  const std::vector<uint8_t> bytes = module.Build();
  absl::StatusOr<wasm::Module> decoded = wasm::Decode(bytes, {});
  ASSERT_TRUE(decoded.ok());
  const absl::StatusOr<wasm::ValidatedModule> valid = wasm::Validate(*std::move(decoded), {});
  ASSERT_TRUE(valid.ok()) << valid.status();
  EXPECT_TRUE(valid->Escapes(imported));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(valid->Escapes(f[static_cast<size_t>(i)])) << i;
  EXPECT_FALSE(valid->Escapes(f[4])) << "the start function is called, not passed on";
  EXPECT_FALSE(valid->Escapes(f[5]));
  EXPECT_FALSE(valid->Escapes(user));
}

TEST(Validator, RefFuncNeedsADeclaration) {
  WasmBuilder module;
  module.Function({}, {}, Code().RefFunc({}).Op(Opcode::kDrop));
  EXPECT_THAT(Message(Verdict(module)), HasSubstr("undeclared function reference 0"));
}

// ---- Beyond 2.0
// -------------------------------------------------------------------------------------

TEST(Validator, TailCallsNeedTheResultsOfTheirFunction) {
  Features features;
  features.tail_call = true;
  WasmBuilder module;
  const FunctionIndex callee =
      module.Function({ValueType::I32()}, {ValueType::I64()}, Code().I64Const(1));
  module.Function(
      {}, {ValueType::I64()}, Code().I32Const(1).Op(Opcode::kReturnCall, {ToInt(callee)}));
  EXPECT_EQ(Verdict(module, features), absl::OkStatus());
  module.Function(
      {}, {ValueType::I32()}, Code().I32Const(1).Op(Opcode::kReturnCall, {ToInt(callee)}));
  EXPECT_THAT(Message(Verdict(module, features)), HasSubstr("results of its function"));
}

TEST(Validator, LocalsOfNonNullTypeAreSetFirst) {
  const Features features = EveryFeature();
  const ValueType non_null = ValueType::Ref(HeapType::kFunc, /*nullable=*/false);
  const auto verdict = [&](const Code& code) {
    WasmBuilder module;
    const FunctionIndex f = module.Function({}, {}, code, {{1, non_null}});
    module.DeclareFunctions({f});
    return Verdict(module, features);
  };
  EXPECT_EQ(verdict(Code().RefFunc({}).LocalSet(0).LocalGet(0).Op(Opcode::kDrop)),
            absl::OkStatus());
  EXPECT_THAT(Message(verdict(Code().LocalGet(0).Op(Opcode::kDrop))),
              HasSubstr("uninitialized local 0"));
  EXPECT_THAT(
      Message(verdict(
          Code().Open(Opcode::kBlock).RefFunc({}).LocalSet(0).End().LocalGet(0).Op(Opcode::kDrop))),
      HasSubstr("uninitialized local 0"))
      << "what a block sets counts in the block only";
}

TEST(Validator, LaneNumbersAreInRange) {
  Features features;
  features.simd = true;
  const auto verdict = [&](uint8_t lane) {
    return BodyVerdict(Code()
                           .LocalGet(0)
                           .Op(Opcode::kI32x4Splat)
                           .Op(Opcode::kI32x4ExtractLane)
                           .Byte(lane)
                           .Op(Opcode::kDrop),
                       {},
                       features);
  };
  EXPECT_EQ(verdict(3), absl::OkStatus());
  EXPECT_THAT(Message(verdict(4)), HasSubstr("lane number out of range"));
}

}  // namespace
}  // namespace tidepool::test
