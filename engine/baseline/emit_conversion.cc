// Conversions between kinds.
#include <bit>

#include "engine/baseline/function_compiler.h"

namespace tidepool::engine::baseline {

using wasm::ValueKind;
using x64::ArithmeticOp;
using x64::Condition;
using x64::FloatOp;
using x64::Gpr;
using x64::Precision;
using x64::ShiftOp;
using x64::Width;
using x64::Xmm;

namespace {
constexpr ValueKind kI32 = ValueKind::kI32;
constexpr ValueKind kI64 = ValueKind::kI64;
constexpr Precision kSingle = Precision::kSingle;
constexpr Precision kDouble = Precision::kDouble;
constexpr ValueKind KindOf(Precision p) {
  return p == kSingle ? ValueKind::kF32 : ValueKind::kF64;
}
constexpr double kTwoTo63 = 9223372036854775808.0;
}  // namespace

// clang-format off
void FunctionCompiler::VisitI32TruncF32S() { Truncate(kSingle, kI32, true); }
void FunctionCompiler::VisitI32TruncF32U() { Truncate(kSingle, kI32, false); }
void FunctionCompiler::VisitI32TruncF64S() { Truncate(kDouble, kI32, true); }
void FunctionCompiler::VisitI32TruncF64U() { Truncate(kDouble, kI32, false); }
void FunctionCompiler::VisitI64TruncF32S() { Truncate(kSingle, kI64, true); }
void FunctionCompiler::VisitI64TruncF32U() { Truncate(kSingle, kI64, false); }
void FunctionCompiler::VisitI64TruncF64S() { Truncate(kDouble, kI64, true); }
void FunctionCompiler::VisitI64TruncF64U() { Truncate(kDouble, kI64, false); }

void FunctionCompiler::VisitI32TruncSatF32S() { TruncateSaturated(kSingle, kI32, true); }
void FunctionCompiler::VisitI32TruncSatF32U() { TruncateSaturated(kSingle, kI32, false); }
void FunctionCompiler::VisitI32TruncSatF64S() { TruncateSaturated(kDouble, kI32, true); }
void FunctionCompiler::VisitI32TruncSatF64U() { TruncateSaturated(kDouble, kI32, false); }
void FunctionCompiler::VisitI64TruncSatF32S() { TruncateSaturated(kSingle, kI64, true); }
void FunctionCompiler::VisitI64TruncSatF32U() { TruncateSaturated(kSingle, kI64, false); }
void FunctionCompiler::VisitI64TruncSatF64S() { TruncateSaturated(kDouble, kI64, true); }
void FunctionCompiler::VisitI64TruncSatF64U() { TruncateSaturated(kDouble, kI64, false); }

void FunctionCompiler::VisitF32ConvertI32S() { ConvertSigned(Width::k32, kSingle); }
void FunctionCompiler::VisitF32ConvertI32U() { ConvertSigned(Width::k64, kSingle); }
void FunctionCompiler::VisitF32ConvertI64S() { ConvertSigned(Width::k64, kSingle); }
void FunctionCompiler::VisitF32ConvertI64U() { ConvertU64(kSingle); }
void FunctionCompiler::VisitF64ConvertI32S() { ConvertSigned(Width::k32, kDouble); }
void FunctionCompiler::VisitF64ConvertI32U() { ConvertSigned(Width::k64, kDouble); }
void FunctionCompiler::VisitF64ConvertI64S() { ConvertSigned(Width::k64, kDouble); }
void FunctionCompiler::VisitF64ConvertI64U() { ConvertU64(kDouble); }

void FunctionCompiler::VisitF32DemoteF64()  { ConvertPrecision(kDouble); }
void FunctionCompiler::VisitF64PromoteF32() { ConvertPrecision(kSingle); }

void FunctionCompiler::VisitI32ReinterpretF32() { ReinterpretFloat(kI32); }
void FunctionCompiler::VisitI64ReinterpretF64() { ReinterpretFloat(kI64); }
void FunctionCompiler::VisitF32ReinterpretI32() { ReinterpretInt(kSingle); }
void FunctionCompiler::VisitF64ReinterpretI64() { ReinterpretInt(kDouble); }
// clang-format on

// Both keep the low 32 bits and zero the rest.
void FunctionCompiler::VisitI32WrapI64() {
  TakeLowHalf(kI32);
}
void FunctionCompiler::VisitI64ExtendI32U() {
  TakeLowHalf(kI64);
}

void FunctionCompiler::TakeLowHalf(ValueKind kind) {
  if (stack_.TopIsConstant()) {
    stack_.PushConstant(kind, static_cast<uint32_t>(stack_.PopConstant()));
    return;
  }
  const bool owned = stack_.TopIsOverwritable();
  const Gpr from = stack_.PopGpr();
  const Gpr to = ResultGpr(0, owned ? Number(from) : kNoRegister);
  // An i32 has its upper half zero wherever it is, so extending it in place takes no instruction.
  if (to != from || kind == kI32) assembler_.Mov(Width::k32, to, from);
  stack_.PushGpr(kind, to);
}

void FunctionCompiler::LoadFloatConstant(Precision p, Xmm to, double value) {
  const uint64_t bits = p == kSingle ? std::bit_cast<uint32_t>(static_cast<float>(value))
                                     : std::bit_cast<uint64_t>(value);
  assembler_.MovImm(kScratch, bits);
  assembler_.Mov(Width::k64, to, kScratch);
}

// ---- Truncation with traps
// ------------------------------------------------------------------------

// Neither a number nor in range: the first trap that fits.
void FunctionCompiler::TrapUnconvertible(Precision p, Xmm from) {
  assembler_.Ucomis(p, from, from);
  TrapIf(Condition::kParity, TrapCode::kInvalidConversionToInteger);
  TrapIf(Condition::kNoParity, TrapCode::kIntegerOverflow);
}

// Converts to 64 bits and leaves "equal" if the result fits 32.  What the hardware gives for NaN
// and numbers out of range has zero low bits and the top bit set, so it never fits.
void FunctionCompiler::TruncateTo32(Precision p, Gpr to, Xmm from, bool is_signed) {
  assembler_.ConvertToInt(p, Width::k64, to, from);
  if (is_signed) {
    assembler_.Movsxd(kScratch, to);
  } else {
    assembler_.Mov(Width::k32, kScratch, to);
  }
  assembler_.Arithmetic(ArithmeticOp::kCmp, Width::k64, kScratch, to);
}

void FunctionCompiler::Truncate(Precision p, ValueKind kind, bool is_signed) {
  if (kind == kI64 && !is_signed) return TruncateToU64(p, /*saturate=*/false);
  const Xmm from = stack_.PopXmm();
  const Gpr to = stack_.NewGpr();
  if (kind == kI32) {
    TruncateTo32(p, to, from, is_signed);
    const x64::ShortJump fits = assembler_.JccShort(Condition::kEqual);
    TrapUnconvertible(p, from);
    assembler_.Bind(fits);
    if (is_signed) assembler_.Mov(Width::k32, to, to);
  } else {
    assembler_.ConvertToInt(p, Width::k64, to, from);
    // Overflows only for the smallest number, which also stands for "does not fit".
    assembler_.Arithmetic(ArithmeticOp::kCmp, Width::k64, to, 1);
    const x64::ShortJump fits = assembler_.JccShort(Condition::kNoOverflow);
    LoadFloatConstant(p, kScratchXmm, -kTwoTo63);
    assembler_.Ucomis(p, from, kScratchXmm);
    TrapIf(Condition::kParity, TrapCode::kInvalidConversionToInteger);
    TrapIf(Condition::kNotEqual, TrapCode::kIntegerOverflow);
    assembler_.Bind(fits);
  }
  stack_.PushGpr(kind, to);
}

// The hardware converts to signed numbers; from 2^63 on it is given what is above that.
void FunctionCompiler::TruncateToU64(Precision p, bool saturate) {
  const Xmm from = stack_.PopXmm();
  const Gpr to = stack_.NewGpr();
  const Xmm above = stack_.NewXmm();
  LoadFloatConstant(p, kScratchXmm, kTwoTo63);
  assembler_.Ucomis(p, from, kScratchXmm);
  const x64::ShortJump large = assembler_.JccShort(Condition::kAboveEqual);
  // Below 2^63, or NaN: negative results are wrong (-0.9 gives 0, which is right).
  assembler_.ConvertToInt(p, Width::k64, to, from);
  assembler_.Test(Width::k64, to, to);
  const x64::ShortJump fits = assembler_.JccShort(Condition::kNoSign);
  if (saturate) {
    assembler_.Zero(to);
  } else {
    TrapUnconvertible(p, from);
  }
  const x64::ShortJump small_done = assembler_.JmpShort();
  assembler_.Bind(large);
  assembler_.Movap(above, from);
  assembler_.Float(FloatOp::kSub, p, above, kScratchXmm);
  assembler_.ConvertToInt(p, Width::k64, to, above);
  assembler_.Test(Width::k64, to, to);
  if (saturate) {
    const x64::ShortJump large_fits = assembler_.JccShort(Condition::kNoSign);
    assembler_.MovImm(to, INT64_MAX);
    assembler_.Bind(large_fits);
  } else {
    TrapIf(Condition::kSign, TrapCode::kIntegerOverflow);
  }
  assembler_.MovImm(kScratch, uint64_t{1} << 63);
  assembler_.Arithmetic(ArithmeticOp::kOr, Width::k64, to, kScratch);
  assembler_.Bind(fits);
  assembler_.Bind(small_done);
  stack_.PushGpr(kI64, to);
}

// ---- Saturating truncation
// ------------------------------------------------------------------------

void FunctionCompiler::TruncateSaturated(Precision p, ValueKind kind, bool is_signed) {
  if (kind == kI64 && !is_signed) return TruncateToU64(p, /*saturate=*/true);
  const Xmm from = stack_.PopXmm();
  const Gpr to = stack_.NewGpr();
  Condition fits_condition;
  uint64_t smallest;
  uint64_t largest;
  if (kind == kI32) {
    TruncateTo32(p, to, from, is_signed);
    fits_condition = Condition::kEqual;
    smallest = is_signed ? uint64_t{1} << 31 : 0;
    largest = is_signed ? INT32_MAX : UINT32_MAX;
  } else {
    assembler_.ConvertToInt(p, Width::k64, to, from);
    assembler_.Arithmetic(ArithmeticOp::kCmp, Width::k64, to, 1);
    fits_condition = Condition::kNoOverflow;
    smallest = uint64_t{1} << 63;
    largest = INT64_MAX;
  }
  const x64::ShortJump fits = assembler_.JccShort(fits_condition);
  // NaN compares unordered: CF, ZF and PF are set.
  assembler_.Zero(kScratchXmm);
  assembler_.Ucomis(p, from, kScratchXmm);
  assembler_.MovImm(to, largest);
  const x64::ShortJump too_large = assembler_.JccShort(Condition::kAbove);
  assembler_.MovImm(to, smallest);
  const x64::ShortJump too_small = assembler_.JccShort(Condition::kNoParity);
  assembler_.MovImm(to, 0);
  assembler_.Bind(fits);
  assembler_.Bind(too_large);
  assembler_.Bind(too_small);
  if (kind == kI32) assembler_.Mov(Width::k32, to, to);
  stack_.PushGpr(kind, to);
}

// ---- To floats
// ------------------------------------------------------------------------------------

// An i32 that is unsigned is a positive 64-bit number.
void FunctionCompiler::ConvertSigned(Width w, Precision p) {
  const Gpr from = stack_.PopGpr();
  const Xmm to = ResultXmm();
  assembler_.Zero(to);  // cvtsi2sd keeps the upper bits: without this it would wait for them.
  assembler_.ConvertFromInt(p, w, to, from);
  stack_.PushXmm(KindOf(p), to);
}

void FunctionCompiler::ConvertU64(Precision p) {
  const Gpr from = stack_.PopOwnedGpr();
  const Xmm to = ResultXmm();
  assembler_.Zero(to);
  assembler_.Test(Width::k64, from, from);
  const x64::ShortJump large = assembler_.JccShort(Condition::kSign);
  assembler_.ConvertFromInt(p, Width::k64, to, from);
  const x64::ShortJump done = assembler_.JmpShort();
  assembler_.Bind(large);
  // Half of it, with the lost bit kept where it decides the rounding, then doubled.
  assembler_.Mov(Width::k64, kScratch, from);
  assembler_.Shift(ShiftOp::kShr, Width::k64, kScratch, 1);
  assembler_.Arithmetic(ArithmeticOp::kAnd, Width::k32, from, 1);
  assembler_.Arithmetic(ArithmeticOp::kOr, Width::k64, kScratch, from);
  assembler_.ConvertFromInt(p, Width::k64, to, kScratch);
  assembler_.Float(FloatOp::kAdd, p, to, to);
  assembler_.Bind(done);
  stack_.PushXmm(KindOf(p), to);
}

void FunctionCompiler::ConvertPrecision(Precision from_precision) {
  const bool owned = stack_.TopIsOverwritable();
  const Xmm from = stack_.PopXmm();
  const Xmm to = ResultXmm(0, owned ? Number(from) : kNoRegister);
  if (to != from) assembler_.Movap(to, from);
  assembler_.ConvertPrecision(from_precision, to, to);
  stack_.PushXmm(from_precision == kSingle ? ValueKind::kF64 : ValueKind::kF32, to);
}

void FunctionCompiler::ReinterpretFloat(ValueKind kind) {
  if (stack_.TopIsConstant()) {
    stack_.PushConstant(kind, stack_.PopConstant());
    return;
  }
  const Xmm from = stack_.PopXmm();
  const Gpr to = ResultGpr();
  assembler_.Mov(WidthOf(kind), to, from);
  stack_.PushGpr(kind, to);
}

void FunctionCompiler::ReinterpretInt(Precision p) {
  if (stack_.TopIsConstant()) {
    stack_.PushConstant(KindOf(p), stack_.PopConstant());
    return;
  }
  const Gpr from = stack_.PopGpr();
  const Xmm to = ResultXmm();
  assembler_.Mov(p == kSingle ? Width::k32 : Width::k64, to, from);
  stack_.PushXmm(KindOf(p), to);
}

}  // namespace tidepool::engine::baseline
