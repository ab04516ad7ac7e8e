// Memory, tables, globals, references: both ways to check bounds, at both ends of the range.
#include <cstring>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/engine/baseline/test_instance.h"

namespace tidepool::test {
namespace {

using engine::Bounds;
using engine::abi::BuiltinId;
using testing::VariantWith;

const ValueType kI32 = ValueType::I32();
const ValueType kI64 = ValueType::I64();
const ValueType kF64 = ValueType::F64();

auto Returns(std::vector<Bits> results) {
  return VariantWith<std::vector<Bits>>(results);
}
auto Traps(TrapCode code) {
  return VariantWith<TrapCode>(code);
}

class MemoryTest : public testing::TestWithParam<Bounds> {
 protected:
  CompileOptions Options() const {
    CompileOptions options;
    options.bounds = GetParam();
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(Bounds,
                         MemoryTest,
                         testing::Values(Bounds::kGuard, Bounds::kExplicit),
                         [](const auto& info) {
                           return info.param == Bounds::kGuard ? "Guard" : "Explicit";
                         });

constexpr uint64_t kPageBytes = 65536;
constexpr Opcode kLoads[] = {Opcode::kI32Load,
                             Opcode::kI64Load,
                             Opcode::kF32Load,
                             Opcode::kF64Load,
                             Opcode::kI32Load8S,
                             Opcode::kI32Load8U,
                             Opcode::kI32Load16S,
                             Opcode::kI32Load16U,
                             Opcode::kI64Load8S,
                             Opcode::kI64Load8U,
                             Opcode::kI64Load16S,
                             Opcode::kI64Load16U,
                             Opcode::kI64Load32S,
                             Opcode::kI64Load32U};
constexpr Opcode kStores[] = {Opcode::kI32Store,
                              Opcode::kI64Store,
                              Opcode::kF32Store,
                              Opcode::kF64Store,
                              Opcode::kI32Store8,
                              Opcode::kI32Store16,
                              Opcode::kI64Store8,
                              Opcode::kI64Store16,
                              Opcode::kI64Store32};

ValueType ValueTypeOf(engine::wasm::Operand operand) {
  switch (operand) {
    case engine::wasm::Operand::kI32:
      return kI32;
    case engine::wasm::Operand::kI64:
      return kI64;
    case engine::wasm::Operand::kF32:
      return ValueType::F32();
    default:
      return kF64;
  }
}

// What a load of these bytes gives.
Bits Extended(Opcode opcode, const uint8_t* at) {
  uint64_t raw = 0;
  const uint32_t bytes = AccessBytes(wasm::FindOpcode(static_cast<uint32_t>(opcode))->immediate);
  std::memcpy(&raw, at, bytes);
  switch (opcode) {
    case Opcode::kI32Load8S:
      return I32(static_cast<int8_t>(raw));
    case Opcode::kI32Load16S:
      return I32(static_cast<int16_t>(raw));
    case Opcode::kI64Load8S:
      return I64(static_cast<int8_t>(raw));
    case Opcode::kI64Load16S:
      return I64(static_cast<int16_t>(raw));
    case Opcode::kI64Load32S:
      return I64(static_cast<int32_t>(raw));
    default:
      return raw;
  }
}

// Each load and store, with the index variable and constant, in the last place that fits and one
// byte beyond, near zero and near 4 GiB, with offsets of every class (security.md, B2, B4, B7).
TEST_P(MemoryTest, AccessesEndExactlyAtTheMemorysEnd) {
  const uint64_t offsets[] = {
      0, 1, 127, 128, 65527, (32u << 20) - 16, (32u << 20) + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
  for (const uint32_t pages : {0u, 1u, 2u}) {
    for (const Opcode opcode : kLoads) {
      const auto* info = wasm::FindOpcode(static_cast<uint32_t>(opcode));
      const uint64_t bytes = AccessBytes(info->immediate);
      const ValueType result = ValueTypeOf(info->signature.results[0]);
      WasmBuilder builder;
      builder.Memory(pages);
      struct Case {
        FunctionIndex variable, constant;
        uint64_t index, offset;
      };
      std::vector<Case> cases;
      for (const uint64_t offset : offsets) {
        for (const uint64_t end : {pages * kPageBytes,
                                   pages * kPageBytes + 1,
                                   uint64_t{1} << 32,
                                   uint64_t{0x80000000} + 8}) {
          for (const uint64_t index : {uint64_t{0}, end - bytes - offset, uint64_t{0xFFFFFFFF}}) {
            if (index > UINT32_MAX) continue;
            const FunctionIndex variable =
                builder.Function({kI32}, {result}, Code().LocalGet(0).Access(opcode, offset));
            const FunctionIndex constant = builder.Function(
                {}, {result}, Code().I32Const(static_cast<int32_t>(index)).Access(opcode, offset));
            cases.push_back({variable, constant, index, offset});
          }
        }
      }
      const auto instance = TestInstance::Create(builder, Options());
      for (uint64_t i = 0; i < pages * kPageBytes; ++i)
        instance->memory()[i] = static_cast<uint8_t>(i * 37 + 0x85);
      for (const Case& c : cases) {
        const bool fits = c.index + c.offset + bytes <= pages * kPageBytes;
        const auto matcher =
            fits ? testing::Matcher<const Outcome&>(
                       Returns({Extended(opcode, instance->memory() + c.index + c.offset)}))
                 : testing::Matcher<const Outcome&>(Traps(TrapCode::kMemoryOutOfBounds));
        EXPECT_THAT(instance->Call(c.variable, {c.index}), matcher)
            << info->text << " " << c.index << "+" << c.offset;
        EXPECT_THAT(instance->Call(c.constant, {}), matcher)
            << info->text << " " << c.index << "+" << c.offset;
      }
    }
  }
}

TEST_P(MemoryTest, StoresWriteTheirBytesAndNoMore) {
  for (const Opcode opcode : kStores) {
    const auto* info = wasm::FindOpcode(static_cast<uint32_t>(opcode));
    const uint64_t bytes = AccessBytes(info->immediate);
    const ValueType type = ValueTypeOf(info->signature.params[1]);
    WasmBuilder builder;
    builder.Memory(1);
    const uint64_t value =
        type == kI32 || type == ValueType::F32() ? 0x89ABCDEF : 0x89ABCDEF01234567;
    const FunctionIndex variable =
        builder.Function({kI32, type}, {}, Code().LocalGet(0).LocalGet(1).Access(opcode, 3));
    Code with_constant;
    with_constant.LocalGet(0);
    if (type == kI32) with_constant.I32Const(static_cast<int32_t>(value));
    if (type == kI64) with_constant.I64Const(static_cast<int64_t>(value));
    if (type == ValueType::F32()) with_constant.F32Bits(static_cast<uint32_t>(value));
    if (type == kF64) with_constant.F64Bits(value);
    const FunctionIndex constant = builder.Function({kI32}, {}, with_constant.Access(opcode, 3));
    Code minus_one;
    minus_one.LocalGet(0);
    if (type == kI64)
      minus_one.I64Const(-1);
    else if (type == kI32)
      minus_one.I32Const(-1);
    else if (type == kF64)
      minus_one.F64Bits(UINT64_MAX);
    else
      minus_one.F32Bits(UINT32_MAX);
    const FunctionIndex ones = builder.Function({kI32}, {}, minus_one.Access(opcode, 3));
    const auto instance = TestInstance::Create(builder, Options());
    const auto check = [&](FunctionIndex function, std::vector<Bits> arguments, uint64_t expected) {
      for (const uint64_t index : {uint64_t{0}, kPageBytes - bytes - 3}) {
        std::memset(instance->memory(), 0x11, kPageBytes);
        arguments[0] = index;
        EXPECT_THAT(instance->Call(function, arguments), Returns({})) << info->text;
        EXPECT_EQ(std::memcmp(instance->memory() + index + 3, &expected, bytes), 0) << info->text;
        EXPECT_EQ(instance->memory()[index + 2], 0x11);
        if (index + 3 + bytes < kPageBytes)
          EXPECT_EQ(instance->memory()[index + 3 + bytes], 0x11) << info->text;
      }
      arguments[0] = kPageBytes - bytes - 2;
      std::memset(instance->memory(), 0x11, kPageBytes);
      EXPECT_THAT(instance->Call(function, arguments), Traps(TrapCode::kMemoryOutOfBounds))
          << info->text;
      EXPECT_EQ(instance->memory()[kPageBytes - 1], 0x11) << "half a store happened";
    };
    check(variable, {0, value}, value);
    check(constant, {0}, value);
    check(ones, {0}, UINT64_MAX);
  }
}

// An index above 2 GiB that went through a call or was computed by wrapping arithmetic (B1, B3).
TEST_P(MemoryTest, IndexesKeepTheirMeaningAcrossArithmeticAndCalls) {
  WasmBuilder builder;
  builder.Memory(1);
  const FunctionIndex nothing = builder.Function({}, {}, Code());
  const FunctionIndex function = builder.Function({kI32, kI64},
                                                  {kI32},
                                                  Code()
                                                      .LocalGet(1)
                                                      .Op(Opcode::kI32WrapI64)
                                                      .Call(nothing)
                                                      .LocalGet(0)
                                                      .Op(Opcode::kI32Add)
                                                      .Access(Opcode::kI32Load8U, 8));
  const auto instance = TestInstance::Create(builder, Options());
  instance->memory()[8] = 77;
  // -16 + 16 wraps to 0 before the offset is added.
  EXPECT_THAT(instance->Call(function, {I32(-16), I64(0x1234567800000010)}), Returns({I32(77)}));
  EXPECT_THAT(instance->Call(function, {I32(INT32_MIN), I64(0)}),
              Traps(TrapCode::kMemoryOutOfBounds));
}

TEST_P(MemoryTest, TrapsNameTheInstruction) {
  WasmBuilder builder;
  builder.Memory(1);
  const Code code = Code()
                        .LocalGet(0)
                        .Access(Opcode::kI32Load)
                        .Op(Opcode::kDrop)
                        .LocalGet(0)
                        .LocalGet(0)
                        .Op(Opcode::kI32DivU)
                        .Op(Opcode::kDrop);
  const FunctionIndex function = builder.Function({kI32}, {}, code);
  const auto instance = TestInstance::Create(builder, Options());
  const uint32_t body = instance->module().bodies[0].offset;
  EXPECT_THAT(instance->Call(function, {I32(-4)}), Traps(TrapCode::kMemoryOutOfBounds));
  EXPECT_EQ(instance->TrapWasmOffset(), body + 1 + 2);
  EXPECT_THAT(instance->Call(function, {I32(0)}), Traps(TrapCode::kIntegerDivideByZero));
  EXPECT_EQ(instance->TrapWasmOffset(), body + 1 + 2 + 3 + 1 + 4);
}

TEST(Memory, SizeFollowsTheRecordAndBulkOperatorsCallTheRuntime) {
  WasmBuilder builder;
  builder.Memory(2);
  builder.Table(1);
  builder.PassiveData("abc");
  const FunctionIndex size = builder.Function({}, {kI32}, Code().Op(Opcode::kMemorySize, {0}));
  const FunctionIndex grow =
      builder.Function({kI32}, {kI32}, Code().LocalGet(0).Op(Opcode::kMemoryGrow, {0}));
  const FunctionIndex fill =
      builder.Function({kI32, kI32, kI32},
                       {},
                       Code().LocalGet(2).LocalGet(1).LocalGet(0).Op(Opcode::kMemoryFill, {0}));
  const FunctionIndex copy = builder.Function(
      {}, {}, Code().I32Const(1).I32Const(-2).I32Const(3).Op(Opcode::kMemoryCopy, {0, 0}));
  const FunctionIndex init = builder.Function({kI32},
                                              {kI32},
                                              Code()
                                                  .I32Const(9)
                                                  .I32Const(4)
                                                  .LocalGet(0)
                                                  .I32Const(5)
                                                  .I32Const(6)
                                                  .Op(Opcode::kMemoryInit, {0, 0})
                                                  .Op(Opcode::kI32Add)
                                                  .LocalGet(0)
                                                  .Op(Opcode::kI32Add));
  const auto instance = TestInstance::Create(builder);
  EXPECT_THAT(instance->Call(size, {}), Returns({I32(2)}));
  instance->memory_record().bytes = 5 * kPageBytes;
  EXPECT_THAT(instance->Call(size, {}), Returns({I32(5)}));
  instance->builtin_result = UINT64_MAX;
  EXPECT_THAT(instance->Call(grow, {I32(-1)}), Returns({I32(-1)}));
  EXPECT_THAT(instance->Call(fill, {I32(-3), I32(2), I32(1)}), Returns({}));
  EXPECT_THAT(instance->Call(copy, {}), Returns({}));
  EXPECT_THAT(instance->Call(init, {I32(10)}), Returns({I32(23)}));
  const auto& calls = instance->builtin_calls;
  ASSERT_EQ(calls.size(), 4u);
  EXPECT_EQ(calls[0].id, BuiltinId::kMemoryGrow);
  EXPECT_EQ(calls[0].arguments[0], 0u);
  EXPECT_EQ(calls[0].arguments[1], 0xFFFFFFFFu) << "zero-extended";
  EXPECT_EQ(calls[1].id, BuiltinId::kMemoryFill);
  EXPECT_THAT(calls[1].arguments, testing::ElementsAre(0, 1, 2, 0xFFFFFFFDu, testing::_));
  EXPECT_EQ(calls[2].id, BuiltinId::kMemoryCopy);
  EXPECT_THAT(calls[2].arguments, testing::ElementsAre(0, 1, 0xFFFFFFFEu, 3, testing::_));
  EXPECT_EQ(calls[3].id, BuiltinId::kMemoryInit);
  EXPECT_THAT(calls[3].arguments, testing::ElementsAre(0, 0, 10, 5, 6));
}

TEST(Table, GetAndSetCheckTheIndexAndMarkTheTable) {
  WasmBuilder builder;
  builder.Table(2, {}, ValueType::ExternRef());
  const FunctionIndex get = builder.Function(
      {kI32}, {ValueType::ExternRef()}, Code().LocalGet(0).Op(Opcode::kTableGet, {0}));
  const FunctionIndex set =
      builder.Function({kI32, ValueType::ExternRef()},
                       {},
                       Code().LocalGet(0).LocalGet(1).Op(Opcode::kTableSet, {0}));
  const FunctionIndex size = builder.Function({}, {kI32}, Code().Op(Opcode::kTableSize, {0}));
  const FunctionIndex is_null = builder.Function(
      {kI32}, {kI32}, Code().LocalGet(0).Op(Opcode::kTableGet, {0}).Op(Opcode::kRefIsNull));
  const auto instance = TestInstance::Create(builder);
  EXPECT_EQ(instance->table_record(0).dirty, 0u);
  EXPECT_THAT(instance->Call(set, {I32(1), 0x1122334455667788}), Returns({}));
  EXPECT_EQ(instance->table_record(0).dirty, 1u);
  EXPECT_THAT(instance->Call(get, {I32(1)}), Returns({0x1122334455667788}));
  EXPECT_THAT(instance->Call(is_null, {I32(0)}), Returns({I32(1)}));
  EXPECT_THAT(instance->Call(is_null, {I32(1)}), Returns({I32(0)}));
  EXPECT_THAT(instance->Call(size, {}), Returns({I32(2)}));
  for (const int32_t beyond : {2, INT32_MIN, -1}) {
    EXPECT_THAT(instance->Call(get, {I32(beyond)}), Traps(TrapCode::kTableOutOfBounds));
    EXPECT_THAT(instance->Call(set, {I32(beyond), 5}), Traps(TrapCode::kTableOutOfBounds));
  }
}

TEST(Table, BulkOperatorsCallTheRuntime) {
  WasmBuilder builder;
  builder.Table(2);
  builder.Table(2);
  builder.PassiveElements(std::vector<FunctionIndex>{FunctionIndex{0}});
  const FunctionIndex copy = builder.Function(
      {kI32}, {}, Code().LocalGet(0).I32Const(1).I32Const(2).Op(Opcode::kTableCopy, {1, 0}));
  const FunctionIndex init = builder.Function(
      {kI32}, {}, Code().LocalGet(0).I32Const(1).I32Const(2).Op(Opcode::kTableInit, {0, 1}));
  const FunctionIndex grow = builder.Function(
      {kI32}, {kI32}, Code().RefFunc(copy).LocalGet(0).Op(Opcode::kTableGrow, {1}));
  const FunctionIndex fill = builder.Function({kI32},
                                              {},
                                              Code()
                                                  .LocalGet(0)
                                                  .RefFunc(copy)
                                                  .I32Const(7)
                                                  .Op(Opcode::kTableFill, {1})
                                                  .Op(Opcode::kElemDrop, {0}));
  const auto instance = TestInstance::Create(builder);
  instance->builtin_result = 2;
  EXPECT_THAT(instance->Call(copy, {I32(-1)}), Returns({}));
  EXPECT_THAT(instance->Call(init, {I32(-1)}), Returns({}));
  EXPECT_THAT(instance->Call(grow, {I32(-1)}), Returns({I32(2)}));
  EXPECT_THAT(instance->Call(fill, {I32(3)}), Returns({}));
  const auto& calls = instance->builtin_calls;
  ASSERT_EQ(calls.size(), 5u);
  EXPECT_THAT(calls[0].arguments, testing::ElementsAre(1, 0, 0xFFFFFFFFu, 1, 2));
  EXPECT_THAT(calls[1].arguments, testing::ElementsAre(1, 0, 0xFFFFFFFFu, 1, 2));
  EXPECT_THAT(
      calls[2].arguments,
      testing::ElementsAre(1, instance->Reference(copy), 0xFFFFFFFFu, testing::_, testing::_));
  EXPECT_THAT(calls[3].arguments,
              testing::ElementsAre(1, 3, instance->Reference(copy), 7, testing::_));
  EXPECT_EQ(calls[4].id, BuiltinId::kElemDrop);
}

TEST(Global, KeepEveryKindOfValue) {
  WasmBuilder builder;
  const GlobalIndex i32 = builder.Global(kI32, true, Code().I32Const(-5));
  const GlobalIndex f64 = builder.Global(kF64, true, Code().F64Const(2.5));
  const FunctionIndex swap = builder.Function(
      {kI32, kF64},
      {kI32, kF64},
      Code().GlobalGet(i32).GlobalGet(f64).LocalGet(0).GlobalSet(i32).LocalGet(1).GlobalSet(f64));
  const auto instance = TestInstance::Create(builder);
  EXPECT_THAT(instance->Call(swap, {I32(-9), F64(0.5)}), Returns({I32(-5), F64(2.5)}));
  EXPECT_EQ(instance->global(0).low, 0xFFFFFFF7u);
  EXPECT_EQ(instance->global(1).low, F64(0.5));
}

}  // namespace
}  // namespace tidepool::test
