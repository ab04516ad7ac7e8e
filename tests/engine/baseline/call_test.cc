// Calls of every form, with parameters and results in registers and in the argument area.
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "engine/baseline/baseline_backend.h"
#include "engine/wasm/decoder.h"
#include "engine/wasm/validator.h"
#include "tests/engine/baseline/test_instance.h"

namespace tidepool::test {
namespace {

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

TEST(Call, RecursionKeepsValuesAcrossCalls) {
  WasmBuilder builder;
  const FunctionIndex fib = builder.NextFunction();
  builder.Function({kI32},
                   {kI32},
                   Code()
                       .LocalGet(0)
                       .I32Const(2)
                       .Op(Opcode::kI32LtU)
                       .Open(Opcode::kIf, kI32)
                       .LocalGet(0)
                       .Else()
                       .LocalGet(0)
                       .I32Const(1)
                       .Op(Opcode::kI32Sub)
                       .Call(fib)
                       .LocalGet(0)
                       .I32Const(2)
                       .Op(Opcode::kI32Sub)
                       .Call(fib)
                       .Op(Opcode::kI32Add)
                       .End());
  EXPECT_THAT(TestInstance::Create(builder)->Call(fib, {I32(20)}), Returns({I32(6765)}));
}

// Rotates its parameters: results travel where parameters came from, in the other order.
struct Signature {
  WasmBuilder::Types types;
  std::vector<Bits> values;
};
Signature MixedSignature(uint32_t count) {
  const ValueType kinds[] = {kI32, kF64, kI64, kF32};
  Signature signature;
  for (uint32_t i = 0; i < count; ++i) {
    const ValueType type = kinds[(i * 7 + i / 5) % 4];
    signature.types.push_back(type);
    const uint64_t value = 0x0102030405060708u * (i + 3);
    signature.values.push_back(
        type == kI32 || type == kF32 ? static_cast<uint32_t>(value) & 0x7FFFFFF : value >> 2);
  }
  return signature;
}

TEST(Call, PassesAnyNumberOfParametersAndResults) {
  for (const uint32_t count : {1u, 6u, 14u, 15u, 16u, 24u, 40u, 200u, 1000u}) {
    const Signature signature = MixedSignature(count);
    const WasmBuilder::Types reversed(signature.types.rbegin(), signature.types.rend());
    WasmBuilder builder;
    Code reverse;
    for (uint32_t i = count; i > 0; --i) reverse.LocalGet(i - 1);
    const FunctionIndex callee = builder.Function(signature.types, reversed, reverse);
    Code call_with_locals;
    for (uint32_t i = 0; i < count; ++i) call_with_locals.LocalGet(i);
    call_with_locals.Call(callee);
    const FunctionIndex caller = builder.Function(signature.types, reversed, call_with_locals);
    const auto instance = TestInstance::Create(builder);
    const std::vector<Bits> expected(signature.values.rbegin(), signature.values.rend());
    EXPECT_THAT(instance->Call(callee, signature.values), Returns(expected)) << count;
    EXPECT_THAT(instance->Call(caller, signature.values), Returns(expected)) << count;
  }
}

// Constants and computed values as arguments, more than fit into registers.
TEST(Call, PassesConstantsAndComputedValues) {
  WasmBuilder builder;
  const WasmBuilder::Types types(9, kI64);
  Code sum;
  sum.I64Const(0);
  for (uint32_t i = 0; i < 9; ++i)
    sum.I64Const(10).Op(Opcode::kI64Mul).LocalGet(i).Op(Opcode::kI64Add);
  const FunctionIndex callee = builder.Function(types, {kI64}, sum);
  Code code;
  for (int i = 0; i < 9; ++i) {
    if (i % 3 == 0) {
      code.I64Const(i + 1);
    } else {
      code.LocalGet(0).I64Const(i + 1).Op(Opcode::kI64Add);
    }
  }
  code.Call(callee).I64Const(-1).Op(Opcode::kI64Mul);
  const FunctionIndex caller = builder.Function({kI64}, {kI64}, code);
  EXPECT_THAT(TestInstance::Create(builder)->Call(caller, {I64(0)}), Returns({I64(-123456789)}));
}

// All five integer registers, each wanting another's place.
TEST(Call, ArgumentsMayChangePlaces) {
  WasmBuilder builder;
  const WasmBuilder::Types types(5, kI64);
  Code digits;
  digits.I64Const(0);
  for (uint32_t i = 0; i < 5; ++i)
    digits.I64Const(10).Op(Opcode::kI64Mul).LocalGet(i).Op(Opcode::kI64Add);
  const FunctionIndex callee = builder.Function(types, {kI64}, digits);
  for (const std::vector<uint32_t>& order :
       {std::vector<uint32_t>{1, 2, 3, 4, 0}, {4, 3, 2, 1, 0}, {1, 0, 2, 4, 3}, {0, 0, 1, 1, 2}}) {
    Code code;
    for (const uint32_t i : order) code.LocalGet(i);
    code.Call(callee);
    const FunctionIndex caller = builder.Function(types, {kI64}, code);
    uint64_t expected = 0;
    for (const uint32_t i : order) expected = expected * 10 + i + 1;
    EXPECT_THAT(TestInstance::Create(builder)->Call(caller, {1, 2, 3, 4, 5}), Returns({expected}));
  }
}

// Locals in registers that calls destroy come back, integers and floats.
TEST(Call, PinnedLocalsSurviveCalls) {
  WasmBuilder builder;
  Code clobber;
  for (uint32_t i = 0; i < 12; ++i) {
    for (int use = 0; use < 4; ++use) clobber.LocalGet(i).Op(Opcode::kDrop);
    clobber.I64Const(-1).LocalSet(i).F64Const(-1).LocalSet(12 + i);
    for (int use = 0; use < 4; ++use) clobber.LocalGet(12 + i).Op(Opcode::kDrop);
  }
  const FunctionIndex callee = builder.Function({}, {}, clobber, {{12, kI64}, {12, kF64}});
  Code code;
  WasmBuilder::Types types;
  std::vector<Bits> arguments;
  for (uint32_t i = 0; i < 12; ++i) {
    types.push_back(i % 2 == 0 ? kI64 : kF64);
    arguments.push_back(i % 2 == 0 ? I64(i) : F64(i));
  }
  // A loop makes each weigh enough to be pinned in spite of the call.
  code.I64Const(0).Call(callee);
  code.Open(Opcode::kLoop);
  for (uint32_t i = 0; i < 12; ++i) {
    for (int use = 0; use < 4; ++use) code.LocalGet(i).Op(Opcode::kDrop);
  }
  code.End();
  for (uint32_t i = 0; i < 12; ++i) {
    code.LocalGet(i);
    if (i % 2 != 0) code.Op(Opcode::kI64TruncF64S);
    code.Op(Opcode::kI64Add);
  }
  const FunctionIndex caller = builder.Function(types, {kI64}, code);
  EXPECT_THAT(TestInstance::Create(builder)->Call(caller, arguments), Returns({I64(66)}));
}

extern "C" uint64_t TestHostAdd(void* context, uint64_t a, uint64_t b) {
  return a + b + reinterpret_cast<uint64_t>(context);
}

TEST(Call, ImportedFunctionsGetTheContextOfTheirRecord) {
  WasmBuilder builder;
  const FunctionIndex host = builder.ImportFunction("m", "f", {kI64, kI64}, {kI64});
  const FunctionIndex caller = builder.Function(
      {kI64}, {kI64}, Code().LocalGet(0).I64Const(5).Call(host).LocalGet(0).Op(Opcode::kI64Add));
  const auto instance =
      TestInstance::Create(builder, {}, {reinterpret_cast<const void*>(&TestHostAdd)});
  EXPECT_THAT(instance->Call(caller, {I64(100)}), Returns({I64(0x4057 + 205)}));
}

class IndirectTest : public testing::Test {
 protected:
  void Make(bool tail) {
    builder_.Table(3);
    const FunctionIndex add =
        builder_.Function({kI32, kI32}, {kI32}, Code().LocalGet(0).LocalGet(1).Op(Opcode::kI32Add));
    const FunctionIndex other = builder_.Function({kI64}, {kI64}, Code().LocalGet(0));
    const std::vector<FunctionIndex> functions = {add, other};
    builder_.DeclareFunctions(functions);
    const TypeIndex type = builder_.Type({kI32, kI32}, {kI32});
    Code code;
    code.I32Const(30).I32Const(12).LocalGet(0);
    if (tail) {
      code.Op(Opcode::kReturnCallIndirect, {wasm::ToInt(type), 0});
    } else {
      code.CallIndirect(type);
    }
    caller_ = builder_.Function({kI32}, {kI32}, code);
    CompileOptions options;
    options.wasm_features.tail_call = tail;
    instance_ = TestInstance::Create(builder_, options);
    instance_->table_record(0).entries[0] = instance_->Reference(add);
    instance_->table_record(0).entries[1] = instance_->Reference(other);
  }
  WasmBuilder builder_;
  FunctionIndex caller_{};
  std::unique_ptr<TestInstance> instance_;
};

TEST_F(IndirectTest, CallsWhatTheTableHoldsOrTraps) {
  for (const bool tail : {false, true}) {
    builder_ = WasmBuilder();
    Make(tail);
    EXPECT_THAT(instance_->Call(caller_, {I32(0)}), Returns({I32(42)}));
    EXPECT_THAT(instance_->Call(caller_, {I32(1)}), Traps(TrapCode::kIndirectCallTypeMismatch));
    EXPECT_THAT(instance_->Call(caller_, {I32(2)}), Traps(TrapCode::kUninitializedElement));
    EXPECT_THAT(instance_->Call(caller_, {I32(3)}), Traps(TrapCode::kUndefinedElement));
    EXPECT_THAT(instance_->Call(caller_, {I32(-1)}), Traps(TrapCode::kUndefinedElement));
    instance_->table_record(0).count = 0;
    EXPECT_THAT(instance_->Call(caller_, {I32(0)}), Traps(TrapCode::kUndefinedElement));
  }
}

// With frames a tail call would need gigabytes of stack for this.
TEST(TailCall, RunsInConstantStackForAnyPairOfSignatures) {
  CompileOptions options;
  options.wasm_features.tail_call = true;
  WasmBuilder builder;
  const FunctionIndex even = builder.NextFunction();
  const FunctionIndex odd{wasm::ToInt(even) + 1};
  // One has few parameters, the other more than fit into registers; both pin locals.
  const WasmBuilder::Types wide(12, kI32);
  Code to_odd;
  to_odd.LocalGet(0).Op(Opcode::kI32Eqz).Open(Opcode::kIf).I64Const(1).Op(Opcode::kReturn).End();
  to_odd.LocalGet(0).I32Const(1).Op(Opcode::kI32Sub);
  for (int i = 1; i < 12; ++i) to_odd.LocalGet(0);
  to_odd.Op(Opcode::kReturnCall, {wasm::ToInt(odd)});
  builder.Function({kI32}, {kI64}, to_odd);
  Code to_even;
  to_even.LocalGet(0).Op(Opcode::kI32Eqz).Open(Opcode::kIf).I64Const(0).Op(Opcode::kReturn).End();
  to_even.LocalGet(11).I32Const(2).Op(Opcode::kI32Sub).Op(Opcode::kReturnCall, {wasm::ToInt(even)});
  builder.Function(wide, {kI64}, to_even);
  const auto instance = TestInstance::Create(builder, options);
  EXPECT_THAT(instance->Call(even, {I32(10'000'000)}), Returns({I64(1)}));
  EXPECT_THAT(instance->Call(even, {I32(9'999'999)}), Returns({I64(0)}));
}

// A loop of tail calls has no loop header and no frame: the entry attends to requests.
TEST(TailCall, LoopsOfTailCallsCanBeInterrupted) {
  CompileOptions options;
  options.wasm_features.tail_call = true;
  WasmBuilder builder;
  const FunctionIndex self = builder.NextFunction();
  builder.Function({kI32},
                   {},
                   Code()
                       .LocalGet(0)
                       .Op(Opcode::kI32Eqz)
                       .Open(Opcode::kIf)
                       .Op(Opcode::kReturn)
                       .End()
                       .LocalGet(0)
                       .I32Const(1)
                       .Op(Opcode::kI32Sub)
                       .Op(Opcode::kReturnCall, {wasm::ToInt(self)}));
  const auto instance = TestInstance::Create(builder, options);
  instance->control().stack_limit = engine::abi::kStackLimitAttention;
  EXPECT_THAT(instance->Call(self, {I32(10)}), Returns({}));
  EXPECT_EQ(instance->stack_check_count, 1u);
}

TEST(Call, StackOverflowAndLargeFramesAreChecked) {
  WasmBuilder builder;
  const FunctionIndex deep = builder.NextFunction();
  builder.Function({kI32}, {}, Code().LocalGet(0).Call(deep));
  Code code;
  for (uint32_t i = 0; i < 20000; ++i) code.LocalGet(i).LocalSet(i);
  const FunctionIndex large = builder.Function({}, {}, code, {{20000, kI64}});
  const auto instance = TestInstance::Create(builder);
  // Not the address of a local: ASan keeps those elsewhere.
  const uint64_t limit = reinterpret_cast<uint64_t>(__builtin_frame_address(0)) - 100 * 1024;
  instance->control().stack_limit = limit;
  EXPECT_THAT(instance->Call(deep, {I32(1)}), Traps(TrapCode::kStackOverflow));
  EXPECT_THAT(instance->Call(large, {}), Traps(TrapCode::kStackOverflow));
  instance->control().stack_limit = limit - 200 * 1024;
  EXPECT_THAT(instance->Call(large, {}), Returns({}));
  instance->control().stack_limit = engine::abi::kStackLimitAttention;
  instance->stack_check_count = 0;
  EXPECT_THAT(instance->Call(large, {}), Returns({}));
  EXPECT_EQ(instance->stack_check_count, 1u);
}

TEST(Call, PaddedFunctionsFindEachOther) {
  WasmBuilder builder;
  FunctionIndex previous = builder.Function({kI32}, {kI32}, Code().LocalGet(0));
  for (int i = 0; i < 20; ++i) {
    previous = builder.Function(
        {kI32}, {kI32}, Code().LocalGet(0).I32Const(1).Op(Opcode::kI32Add).Call(previous));
  }
  CompileOptions options;
  options.padding_bytes = 1 << 20;
  const auto instance = TestInstance::Create(builder, options);
  EXPECT_GT(instance->compiled().text.size(), 20u << 20);
  EXPECT_THAT(instance->Call(previous, {I32(0)}), Returns({I32(20)}));
}

TEST(Call, TextBeyondTheReachOfCallsIsRefused) {
  WasmBuilder builder;
  for (int i = 0; i < 3; ++i) builder.Function({}, {}, Code());
  CompileOptions options;
  options.padding_bytes = 1 << 30;
  const std::vector<uint8_t> bytes = builder.Build();
  absl::StatusOr<wasm::Module> module = engine::wasm::Decode(bytes, {});
  ASSERT_TRUE(module.ok());
  absl::StatusOr<wasm::ValidatedModule> valid = engine::wasm::Validate(*std::move(module), {});
  ASSERT_TRUE(valid.ok());
  const auto compiled = engine::BaselineBackend().Compile(*valid, options);
  EXPECT_EQ(compiled.status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(Call, AnyNumberOfThreadsGivesTheSameBytes) {
  WasmBuilder builder;
  FunctionIndex previous = builder.Function({kI32}, {kI32}, Code().LocalGet(0));
  for (int i = 0; i < 300; ++i) {
    Code code;
    for (int k = 0; k < 900; ++k) code.LocalGet(0).I32Const(k).Op(Opcode::kI32Add).LocalSet(0);
    previous = builder.Function({kI32}, {kI32}, code.LocalGet(0).Call(previous));
  }
  CompileOptions one;
  CompileOptions four;
  four.threads = 4;
  const auto a = TestInstance::Create(builder, one);
  const auto b = TestInstance::Create(builder, four);
  EXPECT_EQ(a->compiled().text, b->compiled().text);
  EXPECT_EQ(a->compiled().address_map.size(), b->compiled().address_map.size());
}

}  // namespace
}  // namespace tidepool::test
