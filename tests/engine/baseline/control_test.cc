// Blocks, branches and locals: values that cross joins, loops and wide block types.
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/engine/baseline/test_instance.h"

namespace tidepool::test {
namespace {

using testing::ElementsAre;
using testing::VariantWith;

const ValueType kI32 = ValueType::I32();
const ValueType kI64 = ValueType::I64();
const ValueType kF32 = ValueType::F32();
const ValueType kF64 = ValueType::F64();

auto Returns(std::vector<Bits> results) {
  return VariantWith<std::vector<Bits>>(results);
}
auto Traps(TrapCode code) {
  return VariantWith<TrapCode>(code);
}

// sum of 1 … n, with every kind of local at work.
TEST(Control, LoopKeepsItsLocals) {
  WasmBuilder builder;
  const FunctionIndex sum = builder.Function({kI32},
                                             {kI64},
                                             Code()
                                                 .Open(Opcode::kBlock)
                                                 .Open(Opcode::kLoop)
                                                 .LocalGet(0)
                                                 .Op(Opcode::kI32Eqz)
                                                 .BrIf(1)
                                                 .LocalGet(1)
                                                 .LocalGet(0)
                                                 .Op(Opcode::kI64ExtendI32U)
                                                 .Op(Opcode::kI64Add)
                                                 .LocalSet(1)
                                                 .LocalGet(0)
                                                 .I32Const(1)
                                                 .Op(Opcode::kI32Sub)
                                                 .LocalSet(0)
                                                 .Br(0)
                                                 .End()
                                                 .End()
                                                 .LocalGet(1),
                                             {{1, kI64}});
  const auto instance = TestInstance::Create(builder);
  EXPECT_THAT(instance->Call(sum, {I32(0)}), Returns({I64(0)}));
  EXPECT_THAT(instance->Call(sum, {I32(100000)}), Returns({I64(5000050000)}));
}

// The value of i++ is the old one, wherever i is.
TEST(Control, ValueReadBeforeAWriteKeepsItsOldValue) {
  for (const int uses : {0, 5}) {
    WasmBuilder builder;
    Code code;
    for (int i = 0; i < uses; ++i) code.LocalGet(0).Op(Opcode::kDrop);
    code.LocalGet(0).LocalGet(0).LocalGet(0).I32Const(1).Op(Opcode::kI32Add).LocalSet(0);
    code.Op(Opcode::kI32Add).LocalGet(0).Op(Opcode::kI32Mul);
    const FunctionIndex function = builder.Function({kI32}, {kI32}, code);
    EXPECT_THAT(TestInstance::Create(builder)->Call(function, {I32(7)}), Returns({I32(14 * 8)}))
        << uses;
  }
}

TEST(Control, LocalsThatAreNotWrittenFirstAreZero) {
  // Set in one arm only, then read; with so many locals that a loop zeroes them.
  for (const uint32_t count : {1u, 5u, 40u, 3000u}) {
    WasmBuilder builder;
    Code code;
    code.LocalGet(0).Open(Opcode::kIf).I64Const(5).LocalSet(1).End();
    code.I64Const(0);
    for (uint32_t i = 0; i < count; ++i) code.LocalGet(1 + i).Op(Opcode::kI64Add);
    const FunctionIndex dirty = builder.Function({}, {}, Code());
    const FunctionIndex function = builder.Function({kI32}, {kI64}, code, {{count, kI64}});
    const auto instance = TestInstance::Create(builder);
    instance->Call(dirty, {});
    EXPECT_THAT(instance->Call(function, {I32(0)}), Returns({I64(0)})) << count;
    EXPECT_THAT(instance->Call(function, {I32(1)}), Returns({I64(5)})) << count;
  }
}

TEST(Control, IfWithoutElsePassesItsOperands) {
  WasmBuilder builder;
  const TypeIndex type = builder.Type({kI32, kF64}, {kI32, kF64});
  const FunctionIndex function = builder.Function({kI32, kF64, kI32},
                                                  {kI32, kF64},
                                                  Code()
                                                      .LocalGet(0)
                                                      .LocalGet(1)
                                                      .LocalGet(2)
                                                      .Open(Opcode::kIf, type)
                                                      .F64Const(2)
                                                      .Op(Opcode::kF64Mul)
                                                      .End());
  const auto instance = TestInstance::Create(builder);
  EXPECT_THAT(instance->Call(function, {I32(3), F64(1.5), I32(0)}), Returns({I32(3), F64(1.5)}));
  EXPECT_THAT(instance->Call(function, {I32(3), F64(1.5), I32(1)}), Returns({I32(3), F64(3)}));
}

TEST(Control, IfElseOfAValueKeepsWhatLiesBelow) {
  WasmBuilder builder;
  const FunctionIndex function = builder.Function({kI32, kI32},
                                                  {kI32},
                                                  Code()
                                                      .LocalGet(0)
                                                      .I32Const(1000)
                                                      .Op(Opcode::kI32Mul)
                                                      .LocalGet(1)
                                                      .Open(Opcode::kIf, kI32)
                                                      .LocalGet(0)
                                                      .I32Const(1)
                                                      .Op(Opcode::kI32Add)
                                                      .Else()
                                                      .I32Const(7)
                                                      .End()
                                                      .Op(Opcode::kI32Add));
  const auto instance = TestInstance::Create(builder);
  EXPECT_THAT(instance->Call(function, {I32(2), I32(0)}), Returns({I32(2007)}));
  EXPECT_THAT(instance->Call(function, {I32(2), I32(9)}), Returns({I32(2003)}));
}

// Branches that carry one, three and twenty values past others that are thrown away.
TEST(Control, BranchesCarryTheirValuesPastOthers) {
  for (const uint32_t count : {1u, 3u, 20u}) {
    WasmBuilder builder;
    const TypeIndex type = builder.Type({}, WasmBuilder::Types(count, kI32));
    Code code;
    code.Open(Opcode::kBlock, type);
    code.I32Const(-1).I32Const(-2);
    for (uint32_t i = 0; i < count; ++i)
      code.LocalGet(1).I32Const(static_cast<int32_t>(i)).Op(Opcode::kI32Add);
    code.LocalGet(0).BrIf(0);
    code.Op(Opcode::kUnreachable).End();
    for (uint32_t i = 1; i < count; ++i) code.I32Const(3).Op(Opcode::kI32Mul).Op(Opcode::kI32Add);
    const FunctionIndex function = builder.Function({kI32, kI32}, {kI32}, code);
    uint32_t expected = 10 + count - 1;
    for (uint32_t i = count - 1; i > 0; --i) expected = 10 + i - 1 + 3 * expected;
    const auto instance = TestInstance::Create(builder);
    EXPECT_THAT(instance->Call(function, {I32(1), I32(10)}), Returns({Bits{expected}})) << count;
    EXPECT_THAT(instance->Call(function, {I32(0), I32(10)}), Traps(TrapCode::kUnreachable));
  }
}

TEST(Control, BrIfNotTakenLeavesTheValuesWhereTheyWere) {
  WasmBuilder builder;
  const TypeIndex pair = builder.Type({}, {kI32, kI64});
  const FunctionIndex function =
      builder.Function({kI32},
                       {kI64},
                       Code()
                           .Open(Opcode::kBlock, pair)
                           .I32Const(100)  // Below: makes the homes differ.
                           .I32Const(5)
                           .LocalGet(0)
                           .Op(Opcode::kI64ExtendI32U)
                           .LocalGet(0)
                           .BrIf(0)
                           // 100, 5, n
                           .LocalSet(1)
                           .Op(Opcode::kI32Add)
                           .LocalGet(1)
                           .End()
                           .LocalSet(1)
                           .Op(Opcode::kI64ExtendI32U)
                           .LocalGet(1)
                           .I64Const(1000)
                           .Op(Opcode::kI64Mul)
                           .Op(Opcode::kI64Add),
                       {{1, kI64}});
  const auto instance = TestInstance::Create(builder);
  EXPECT_THAT(instance->Call(function, {I32(0)}), Returns({I64(105)}));
  EXPECT_THAT(instance->Call(function, {I32(2)}), Returns({I64(2005)}));
}

// A loop with parameters: the branch back brings new ones.
TEST(Control, LoopParametersComeFromAboveAndFromBehind) {
  WasmBuilder builder;
  const TypeIndex type = builder.Type({kI32, kI64}, {kI64});
  const FunctionIndex factorial = builder.Function({kI32},
                                                   {kI64},
                                                   Code()
                                                       .LocalGet(0)
                                                       .I64Const(1)
                                                       .Open(Opcode::kLoop, type)
                                                       .LocalSet(1)
                                                       .LocalTee(0)
                                                       .Op(Opcode::kI64ExtendI32U)
                                                       .LocalGet(1)
                                                       .Op(Opcode::kI64Mul)
                                                       .LocalSet(1)
                                                       .LocalGet(0)
                                                       .I32Const(1)
                                                       .Op(Opcode::kI32Sub)
                                                       .LocalGet(1)
                                                       .LocalGet(0)
                                                       .I32Const(1)
                                                       .Op(Opcode::kI32GtS)
                                                       .BrIf(0)
                                                       .LocalSet(1)
                                                       .Op(Opcode::kDrop)
                                                       .LocalGet(1)
                                                       .End(),
                                                   {{1, kI64}});
  EXPECT_THAT(TestInstance::Create(builder)->Call(factorial, {I32(10)}), Returns({I64(3628800)}));
}

// Few cases are compared one by one, many go through a table; the index is unsigned.
TEST(Control, BrTableTakesTheCaseOrTheDefault) {
  for (const uint32_t count : {0u, 1u, 3u, 4u, 40u}) {
    WasmBuilder builder;
    Code code;
    for (uint32_t i = 0; i <= count; ++i) code.Open(Opcode::kBlock);
    std::vector<uint32_t> targets;
    for (uint32_t i = 0; i < count; ++i) targets.push_back(i);
    code.LocalGet(0).BrTable(targets, count);
    for (uint32_t i = 0; i <= count; ++i)
      code.End().I32Const(static_cast<int32_t>(100 + i)).Op(Opcode::kReturn);
    const FunctionIndex function = builder.Function({kI32}, {kI32}, code);
    const auto instance = TestInstance::Create(builder);
    for (uint32_t i = 0; i < count; ++i) {
      EXPECT_THAT(instance->Call(function, {I32(static_cast<int32_t>(i))}),
                  Returns({Bits{100 + i}}));
    }
    for (const int32_t beyond : {static_cast<int32_t>(count), 1000, INT32_MAX, INT32_MIN, -1}) {
      EXPECT_THAT(instance->Call(function, {I32(beyond)}), Returns({Bits{100 + count}})) << beyond;
    }
  }
}

// One value to ends of blocks (a register) and to a loop (its home), through one table.
TEST(Control, BrTableBringsAValueToBlocksAndLoops) {
  WasmBuilder builder;
  const TypeIndex loop_type = builder.Type({kI32}, {kI32});
  for (const uint32_t padding : {0u, 5u}) {
    Code code;
    std::vector<uint32_t> targets = {0, 1, 0};
    for (uint32_t i = 0; i < padding; ++i) targets.push_back(2);
    code.Open(Opcode::kBlock, kI32);                                           // depth 2 inside
    code.Open(Opcode::kBlock, kI32);                                           // depth 1
    code.I32Const(1000).Open(Opcode::kLoop, loop_type);                        // depth 0
    code.I32Const(1).Op(Opcode::kI32Add).LocalTee(1);                          // value
    code.LocalGet(0).LocalGet(0).I32Const(1).Op(Opcode::kI32Add).LocalSet(0);  // the old index
    code.BrTable(targets, 2);
    code.End().End().I32Const(50000).Op(Opcode::kI32Add).End();
    const FunctionIndex function = builder.Function({kI32}, {kI32}, code, {{1, kI32}});
    const auto instance = TestInstance::Create(builder);
    // From 0: loop, then 1: the inner block.
    EXPECT_THAT(instance->Call(function, {I32(0)}), Returns({I32(51002)}));
    EXPECT_THAT(instance->Call(function, {I32(1)}), Returns({I32(51001)}));
    // From 2: loop, then the default.
    EXPECT_THAT(instance->Call(function, {I32(2)}), Returns({I32(1002)}));
    EXPECT_THAT(instance->Call(function, {I32(9)}), Returns({I32(1001)}));
  }
}

TEST(Control, BrTableBringsManyValues) {
  WasmBuilder builder;
  const TypeIndex pair = builder.Type({}, {kI32, kF32});
  Code code;
  code.I32Const(1).Open(Opcode::kBlock, pair).F32Const(9).Open(Opcode::kBlock, pair).I64Const(77);
  code.I32Const(3).F32Const(4.5f).LocalGet(0).BrTable(std::vector<uint32_t>{0, 1, 0, 1, 0}, 1);
  code.End();
  // 9, 3, 4.5 → 3 * 10, 9 + 4.5
  code.LocalSet(2)
      .I32Const(10)
      .Op(Opcode::kI32Mul)
      .LocalSet(1)
      .LocalGet(2)
      .Op(Opcode::kF32Add)
      .LocalSet(2);
  code.LocalGet(1).LocalGet(2).End();
  code.LocalSet(2).Op(Opcode::kI32Add).LocalGet(2);
  const FunctionIndex function =
      builder.Function({kI32}, {kI32, kF32}, code, {{1, kI32}, {1, kF32}});
  const auto instance = TestInstance::Create(builder);
  EXPECT_THAT(instance->Call(function, {I32(0)}), Returns({I32(31), F32(13.5f)}));
  EXPECT_THAT(instance->Call(function, {I32(1)}), Returns({I32(4), F32(4.5f)}));
  EXPECT_THAT(instance->Call(function, {I32(5)}), Returns({I32(4), F32(4.5f)}));
}

TEST(Control, UnreachableCodeIsSkippedWithWhatNestsInIt) {
  WasmBuilder builder;
  const FunctionIndex function = builder.Function({kI32},
                                                  {kI32},
                                                  Code()
                                                      .Open(Opcode::kBlock)
                                                      .LocalGet(0)
                                                      .Op(Opcode::kI32Eqz)
                                                      .BrIf(0)
                                                      .I32Const(1)
                                                      .Op(Opcode::kReturn)
                                                      .Open(Opcode::kLoop)
                                                      .I32Const(1)
                                                      .Open(Opcode::kIf, kI64)
                                                      .I64Const(3)
                                                      .Else()
                                                      .I64Const(1)
                                                      .End()
                                                      .Op(Opcode::kDrop)
                                                      .Br(0)
                                                      .End()
                                                      .Op(Opcode::kF64Sqrt)
                                                      .Op(Opcode::kDrop)
                                                      .End()
                                                      .I32Const(2));
  const auto instance = TestInstance::Create(builder);
  EXPECT_THAT(instance->Call(function, {I32(1)}), Returns({I32(1)}));
  EXPECT_THAT(instance->Call(function, {I32(0)}), Returns({I32(2)}));
}

TEST(Control, SelectWorksForEveryKindAndFloatEquality) {
  WasmBuilder builder;
  const FunctionIndex by_equality = builder.Function({kF64, kF64, kI64, kI64},
                                                     {kI64},
                                                     Code()
                                                         .LocalGet(2)
                                                         .LocalGet(3)
                                                         .LocalGet(0)
                                                         .LocalGet(1)
                                                         .Op(Opcode::kF64Eq)
                                                         .Op(Opcode::kSelect));
  const FunctionIndex floats = builder.Function(
      {kI32, kF32, kF32}, {kF32}, Code().LocalGet(1).LocalGet(2).LocalGet(0).SelectTyped(kF32));
  const auto instance = TestInstance::Create(builder);
  EXPECT_THAT(instance->Call(by_equality, {F64(1), F64(1), I64(10), I64(20)}), Returns({I64(10)}));
  EXPECT_THAT(instance->Call(by_equality, {F64(1), F64(2), I64(10), I64(20)}), Returns({I64(20)}));
  EXPECT_THAT(instance->Call(by_equality, {F64(NAN), F64(NAN), I64(10), I64(20)}),
              Returns({I64(20)}));
  EXPECT_THAT(instance->Call(floats, {I32(1), F32(1.5f), F32(2.5f)}), Returns({F32(1.5f)}));
  EXPECT_THAT(instance->Call(floats, {I32(0), F32(1.5f), F32(2.5f)}), Returns({F32(2.5f)}));
}

// More values at once than registers, of both files.
TEST(Control, ValuesBeyondTheRegistersAreSpilled) {
  WasmBuilder builder;
  builder.Global(kI64, true, Code().I64Const(3));
  builder.Global(kF64, true, Code().F64Const(0.5));
  Code code;
  constexpr int kCount = 60;
  for (int i = 0; i < kCount; ++i) {
    code.GlobalGet(GlobalIndex{0}).I64Const(i).Op(Opcode::kI64Add);
    code.GlobalGet(GlobalIndex{1}).F64Const(i).Op(Opcode::kF64Add);
  }
  for (int i = 0; i < kCount; ++i) {
    code.Op(Opcode::kI64TruncF64S).I64Const(31).Op(Opcode::kI64Mul).Op(Opcode::kI64Xor).LocalSet(0);
    if (i + 1 < kCount) code.LocalSet(1).LocalGet(0).Op(Opcode::kI64Xor).LocalGet(1);
  }
  code.LocalGet(0);
  const FunctionIndex function = builder.Function({}, {kI64}, code, {{1, kI64}, {1, kF64}});
  uint64_t expected = 0;
  for (int i = kCount - 1; i >= 0; --i) {
    uint64_t integer = static_cast<uint64_t>(3 + i);
    if (i + 1 < kCount) integer ^= expected;
    expected = integer ^ static_cast<uint64_t>(i) * 31;
  }
  EXPECT_THAT(TestInstance::Create(builder)->Call(function, {}), Returns({expected}));
}

TEST(Control, LoopHeadersAttendToRequests) {
  WasmBuilder builder;
  Code code;
  code.Open(Opcode::kLoop).LocalGet(0).I32Const(1).Op(Opcode::kI32Sub).LocalTee(0).BrIf(0).End();
  code.LocalGet(1).LocalGet(2).Op(Opcode::kF64Add);
  const FunctionIndex function = builder.Function({kI32, kF64, kF64}, {kF64}, code);
  const auto instance = TestInstance::Create(builder);
  EXPECT_THAT(instance->Call(function, {I32(5), F64(1), F64(2)}), Returns({F64(3)}));
  EXPECT_EQ(instance->interrupt_count, 0u);
  instance->control().stack_limit = engine::abi::kStackLimitAttention;
  EXPECT_THAT(instance->Call(function, {I32(5), F64(1), F64(2)}), Returns({F64(3)}));
  EXPECT_EQ(instance->interrupt_count, 1u);
}

TEST(Control, DeepNestingAndTallStacksStayLinear) {
  constexpr int kDepth = 20000;
  WasmBuilder builder;
  Code code;
  for (int i = 0; i < kDepth; ++i) {
    code.LocalGet(0).I32Const(1).Op(Opcode::kI32Mul).Open(Opcode::kBlock, kI32);
    code.LocalGet(0).I32Const(0).BrIf(0).Op(Opcode::kDrop);
  }
  code.LocalGet(0);
  for (int i = 0; i < kDepth; ++i) code.End().Op(Opcode::kI32Add);
  const FunctionIndex function = builder.Function({kI32}, {kI32}, code);
  EXPECT_THAT(TestInstance::Create(builder)->Call(function, {I32(3)}),
              Returns({I32(3 * (kDepth + 1))}));
}

TEST(Control, ManyLocalsThatAreNotUsedCostNothing) {
  WasmBuilder builder;
  FunctionIndex last{};
  for (int i = 0; i < 200; ++i)
    last = builder.Function({kI32}, {kI32}, Code().LocalGet(0), {{40000, kI64}});
  const auto instance = TestInstance::Create(builder);
  EXPECT_LT(instance->compiled().text.size(), 200u * 128);
  EXPECT_THAT(instance->Call(last, {I32(3)}), Returns({I32(3)}));
}

}  // namespace
}  // namespace tidepool::test
