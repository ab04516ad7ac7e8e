// A C function compiled by clang and a baseline function call and tail-call each other: the
// convention is one that a C compiler, and with it LLVM, can express.
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/engine/baseline/test_instance.h"

#ifdef TIDEPOOL_HAVE_GUEST_ABI_C
extern "C" {
extern void* guest_context;
extern const void* guest_function;
void CountDownInC();
void CallFromC();
}
#endif

namespace tidepool::test {
namespace {

using testing::VariantWith;

const ValueType kI64 = ValueType::I64();
const ValueType kF64 = ValueType::F64();

TEST(GuestAbi, CAndBaselineTailCallEachOtherInConstantStack) {
#ifdef TIDEPOOL_HAVE_GUEST_ABI_C
  CompileOptions options;
  options.wasm_features.tail_call = true;
  WasmBuilder builder;
  const WasmBuilder::Types params = {kI64, kI64, kF64};
  const FunctionIndex in_c = builder.ImportFunction("c", "count", params, {kI64, kF64});
  const FunctionIndex in_wasm = builder.Function(params,
                                                 {kI64, kF64},
                                                 Code()
                                                     .LocalGet(0)
                                                     .Op(Opcode::kI64Eqz)
                                                     .Open(Opcode::kIf)
                                                     .LocalGet(1)
                                                     .LocalGet(2)
                                                     .Op(Opcode::kReturn)
                                                     .End()
                                                     .LocalGet(0)
                                                     .I64Const(1)
                                                     .Op(Opcode::kI64Sub)
                                                     .LocalGet(1)
                                                     .LocalGet(0)
                                                     .Op(Opcode::kI64Add)
                                                     .LocalGet(2)
                                                     .F64Const(0.25)
                                                     .Op(Opcode::kF64Add)
                                                     .Op(Opcode::kReturnCall, {wasm::ToInt(in_c)}));
  const auto instance =
      TestInstance::Create(builder, options, {reinterpret_cast<const void*>(&CountDownInC)});
  guest_context = instance->vm_context();
  guest_function = instance->entry(in_wasm);
  constexpr uint64_t kCount = 4'000'000;  // As frames, 200 MB of stack.
  EXPECT_THAT(instance->Call(in_wasm, {kCount, 0, F64(0)}),
              VariantWith<std::vector<Bits>>(
                  std::vector<Bits>{kCount * (kCount + 1) / 2, F64(kCount / 2 * 0.75)}));
#else
  GTEST_SKIP() << "needs clang-19 to compile guest_abi.c";
#endif
}

TEST(GuestAbi, CAndBaselineCallEachOther) {
#ifdef TIDEPOOL_HAVE_GUEST_ABI_C
  WasmBuilder builder;
  WasmBuilder::Types params(5, kI64);
  params.insert(params.end(), 8, kF64);
  const FunctionIndex in_c = builder.ImportFunction("c", "call", params, {kI64, kF64});
  Code sums;
  sums.I64Const(0);
  for (uint32_t i = 0; i < 5; ++i)
    sums.I64Const(10).Op(Opcode::kI64Mul).LocalGet(i).Op(Opcode::kI64Add);
  sums.F64Const(0);
  for (uint32_t i = 5; i < 13; ++i)
    sums.F64Const(10).Op(Opcode::kF64Mul).LocalGet(i).Op(Opcode::kF64Add);
  const FunctionIndex inner = builder.Function(params, {kI64, kF64}, sums);
  Code outer;
  for (uint32_t i = 0; i < 13; ++i) outer.LocalGet(i);
  outer.Call(in_c).LocalSet(5).LocalGet(4).Op(Opcode::kI64Mul).LocalGet(5);
  const FunctionIndex function = builder.Function(params, {kI64, kF64}, outer);
  const auto instance =
      TestInstance::Create(builder, {}, {reinterpret_cast<const void*>(&CallFromC)});
  guest_context = instance->vm_context();
  guest_function = instance->entry(inner);
  std::vector<Bits> arguments = {1, 2, 3, 4, 5};
  for (int i = 1; i <= 8; ++i) arguments.push_back(F64(i));
  EXPECT_THAT(instance->Call(function, arguments),
              VariantWith<std::vector<Bits>>(std::vector<Bits>{12346 * 5, F64(12345678 + 36)}));
#else
  GTEST_SKIP() << "needs clang-19 to compile guest_abi.c";
#endif
}

}  // namespace
}  // namespace tidepool::test
