#include "engine/wasm/opcodes.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tidepool::engine::wasm {
namespace {

TEST(Opcodes, HasEveryOperatorOf3Point0) {
  int counts[16] = {};
#define TP_OPCODE(code, name, text, immediate, signature, feature) \
  ++counts[static_cast<int>(Feature::k##feature)];
#include "engine/wasm/opcodes.def"
#undef TP_OPCODE
  EXPECT_EQ(counts[static_cast<int>(Feature::kSimd)], 236);
  EXPECT_EQ(counts[static_cast<int>(Feature::kRelaxedSimd)], 20);
  EXPECT_EQ(counts[static_cast<int>(Feature::kThreads)], 67);
  EXPECT_EQ(counts[static_cast<int>(Feature::kGc)], 32);  // 31 behind 0xFB, and ref.eq.
  EXPECT_EQ(counts[static_cast<int>(Feature::kTailCall)], 2);
  EXPECT_EQ(counts[static_cast<int>(Feature::kFunctionReferences)], 5);
  EXPECT_EQ(counts[static_cast<int>(Feature::kExceptions)], 3);
  EXPECT_EQ(counts[static_cast<int>(Feature::kWideArithmetic)], 4);
}

TEST(Opcodes, FindsByCode) {
  const OpcodeInfo* add = FindOpcode(0x6A);
  ASSERT_NE(add, nullptr);
  EXPECT_EQ(add->opcode, Opcode::kI32Add);
  EXPECT_EQ(add->text, "i32.add");
  EXPECT_EQ(FindOpcode(0x06), nullptr);
  EXPECT_EQ(FindOpcode(0xFD009A), nullptr);
  EXPECT_EQ(ToString(Opcode::kI32x4RelaxedDotI8x16I7x16AddS),
            "i32x4.relaxed_dot_i8x16_i7x16_add_s");
  EXPECT_EQ(ToString(static_cast<Opcode>(0x27)), "(no operator)");
}

TEST(Opcodes, ReadsSignatures) {
  constexpr Signature kStore = ParseSignature("PV128_to");
  EXPECT_EQ(kStore.param_count, 2);
  EXPECT_EQ(kStore.params[0], Operand::kAddress);
  EXPECT_EQ(kStore.params[1], Operand::kV128);
  EXPECT_EQ(kStore.result_count, 0);
  constexpr Signature kWide = ParseSignature("I64I64I64I64_to_I64I64");
  EXPECT_EQ(kWide.param_count, 4);
  EXPECT_EQ(kWide.result_count, 2);
  constexpr Signature kConvert = ParseSignature("F32_to_F64");
  EXPECT_EQ(kConvert.params[0], Operand::kF32);
  EXPECT_EQ(kConvert.results[0], Operand::kF64);
  EXPECT_TRUE(ParseSignature("Special").special);
  EXPECT_FALSE(ParseSignature("Nothing").special);
}

TEST(Opcodes, AccessesNameTheirBytes) {
  EXPECT_EQ(AccessBytes(FindOpcode(static_cast<uint32_t>(Opcode::kI64Load32U))->immediate), 4u);
  EXPECT_EQ(AccessBytes(FindOpcode(static_cast<uint32_t>(Opcode::kV128Load))->immediate), 16u);
  EXPECT_EQ(AccessBytes(FindOpcode(static_cast<uint32_t>(Opcode::kV128Store8Lane))->immediate), 1u);
  EXPECT_EQ(AccessBytes(FindOpcode(static_cast<uint32_t>(Opcode::kMemoryAtomicWait64))->immediate),
            8u);
  EXPECT_EQ(AccessBytes(Immediate::kMemory), 0u);
}

}  // namespace
}  // namespace tidepool::engine::wasm
