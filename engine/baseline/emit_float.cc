// Float arithmetic, comparisons, signs, rounding.
//
// NaN: the hardware gives a quiet NaN wherever wasm wants one, and keeps payloads as wasm allows.
// Minimum and maximum, where it does not, are spelt out.
#include "engine/baseline/function_compiler.h"

namespace tidepool::engine::baseline {

using wasm::ValueKind;
using x64::Condition;
using x64::FloatBitOp;
using x64::FloatOp;
using x64::Gpr;
using x64::Precision;
using x64::Rounding;
using x64::ShiftOp;
using x64::Width;
using x64::Xmm;

namespace {

constexpr Precision kSingle = Precision::kSingle;
constexpr Precision kDouble = Precision::kDouble;
constexpr ValueKind KindOf(Precision p) {
  return p == kSingle ? ValueKind::kF32 : ValueKind::kF64;
}

constexpr FlagTest kAbove{Condition::kAbove};
constexpr FlagTest kAboveEqual{Condition::kAboveEqual};
constexpr FlagTest kEqual{Condition::kEqual, FlagTest::Form::kFloatEqual};
constexpr FlagTest kNotEqual{Condition::kNotEqual, FlagTest::Form::kFloatNotEqual};

bool IsCommutative(FloatOp op) {
  return op == FloatOp::kAdd || op == FloatOp::kMul;
}

}  // namespace

// clang-format off
void FunctionCompiler::VisitF32Const(uint32_t bits) { stack_.PushConstant(ValueKind::kF32, bits); }
void FunctionCompiler::VisitF64Const(uint64_t bits) { stack_.PushConstant(ValueKind::kF64, bits); }

// Of unordered operands "above" is false and "below" true: compare so that above is the answer.
void FunctionCompiler::VisitF32Eq() { FloatCompare(kSingle, kEqual, false); }
void FunctionCompiler::VisitF32Ne() { FloatCompare(kSingle, kNotEqual, false); }
void FunctionCompiler::VisitF32Lt() { FloatCompare(kSingle, kAbove, true); }
void FunctionCompiler::VisitF32Gt() { FloatCompare(kSingle, kAbove, false); }
void FunctionCompiler::VisitF32Le() { FloatCompare(kSingle, kAboveEqual, true); }
void FunctionCompiler::VisitF32Ge() { FloatCompare(kSingle, kAboveEqual, false); }
void FunctionCompiler::VisitF64Eq() { FloatCompare(kDouble, kEqual, false); }
void FunctionCompiler::VisitF64Ne() { FloatCompare(kDouble, kNotEqual, false); }
void FunctionCompiler::VisitF64Lt() { FloatCompare(kDouble, kAbove, true); }
void FunctionCompiler::VisitF64Gt() { FloatCompare(kDouble, kAbove, false); }
void FunctionCompiler::VisitF64Le() { FloatCompare(kDouble, kAboveEqual, true); }
void FunctionCompiler::VisitF64Ge() { FloatCompare(kDouble, kAboveEqual, false); }

void FunctionCompiler::VisitF32Abs()      { FloatSign(kSingle, false); }
void FunctionCompiler::VisitF32Neg()      { FloatSign(kSingle, true); }
void FunctionCompiler::VisitF32Ceil()     { FloatRound(kSingle, Rounding::kUp); }
void FunctionCompiler::VisitF32Floor()    { FloatRound(kSingle, Rounding::kDown); }
void FunctionCompiler::VisitF32Trunc()    { FloatRound(kSingle, Rounding::kTowardZero); }
void FunctionCompiler::VisitF32Nearest()  { FloatRound(kSingle, Rounding::kNearest); }
void FunctionCompiler::VisitF32Sqrt()     { FloatUnary(kSingle, FloatOp::kSqrt); }
void FunctionCompiler::VisitF32Add()      { FloatBinary(kSingle, FloatOp::kAdd); }
void FunctionCompiler::VisitF32Sub()      { FloatBinary(kSingle, FloatOp::kSub); }
void FunctionCompiler::VisitF32Mul()      { FloatBinary(kSingle, FloatOp::kMul); }
void FunctionCompiler::VisitF32Div()      { FloatBinary(kSingle, FloatOp::kDiv); }
void FunctionCompiler::VisitF32Min()      { FloatMinMax(kSingle, false); }
void FunctionCompiler::VisitF32Max()      { FloatMinMax(kSingle, true); }
void FunctionCompiler::VisitF32Copysign() { FloatCopysign(kSingle); }
void FunctionCompiler::VisitF64Abs()      { FloatSign(kDouble, false); }
void FunctionCompiler::VisitF64Neg()      { FloatSign(kDouble, true); }
void FunctionCompiler::VisitF64Ceil()     { FloatRound(kDouble, Rounding::kUp); }
void FunctionCompiler::VisitF64Floor()    { FloatRound(kDouble, Rounding::kDown); }
void FunctionCompiler::VisitF64Trunc()    { FloatRound(kDouble, Rounding::kTowardZero); }
void FunctionCompiler::VisitF64Nearest()  { FloatRound(kDouble, Rounding::kNearest); }
void FunctionCompiler::VisitF64Sqrt()     { FloatUnary(kDouble, FloatOp::kSqrt); }
void FunctionCompiler::VisitF64Add()      { FloatBinary(kDouble, FloatOp::kAdd); }
void FunctionCompiler::VisitF64Sub()      { FloatBinary(kDouble, FloatOp::kSub); }
void FunctionCompiler::VisitF64Mul()      { FloatBinary(kDouble, FloatOp::kMul); }
void FunctionCompiler::VisitF64Div()      { FloatBinary(kDouble, FloatOp::kDiv); }
void FunctionCompiler::VisitF64Min()      { FloatMinMax(kDouble, false); }
void FunctionCompiler::VisitF64Max()      { FloatMinMax(kDouble, true); }
void FunctionCompiler::VisitF64Copysign() { FloatCopysign(kDouble); }
// clang-format on

void FunctionCompiler::FloatBinary(Precision p, FloatOp op) {
  const bool b_owned = stack_.TopIsOwned();
  XmmOperand b = stack_.PopXmmOperand();
  const bool a_owned = stack_.TopIsOverwritable();
  const Xmm a = stack_.PopXmm();
  const uint8_t reusable = a_owned                        ? Number(a)
                           : b_owned && IsCommutative(op) ? Number(b.reg)
                                                          : kNoRegister;
  const Xmm to = ResultXmm(0, reusable);
  if (to != a && b.is_register && b.reg == to) {
    if (IsCommutative(op)) {
      assembler_.Float(op, p, to, a);
      stack_.PushXmm(KindOf(p), to);
      return;
    }
    assembler_.Movap(kScratchXmm, b.reg);
    b.reg = kScratchXmm;
  }
  if (to != a) assembler_.Movap(to, a);
  if (b.is_register) {
    assembler_.Float(op, p, to, b.reg);
  } else {
    assembler_.Float(op, p, to, b.mem());
  }
  stack_.PushXmm(KindOf(p), to);
}

void FunctionCompiler::FloatUnary(Precision p, FloatOp op) {
  const bool owned = stack_.TopIsOverwritable();
  const Xmm from = stack_.PopXmm();
  const Xmm to = ResultXmm(0, owned ? Number(from) : kNoRegister);
  // sqrtss keeps the upper bits of its destination: without this it would wait for them.
  if (to != from) assembler_.Movap(to, from);
  assembler_.Float(op, p, to, to);
  stack_.PushXmm(KindOf(p), to);
}

void FunctionCompiler::FloatCompare(Precision p, FlagTest test, bool swap) {
  if (swap) {
    const Xmm b = stack_.PopXmm();
    const XmmOperand a = stack_.PopXmmOperand();
    if (a.is_register) {
      assembler_.Ucomis(p, b, a.reg);
    } else {
      assembler_.Ucomis(p, b, a.mem());
    }
  } else {
    const XmmOperand b = stack_.PopXmmOperand();
    const Xmm a = stack_.PopXmm();
    if (b.is_register) {
      assembler_.Ucomis(p, a, b.reg);
    } else {
      assembler_.Ucomis(p, a, b.mem());
    }
  }
  PushComparison(test);
}

// Only the sign bit changes, also of a NaN.
void FunctionCompiler::FloatSign(Precision p, bool negate) {
  const bool owned = stack_.TopIsOverwritable();
  const Xmm from = stack_.PopXmm();
  const Xmm to = ResultXmm(0, owned ? Number(from) : kNoRegister);
  const uint64_t sign = p == kSingle ? uint64_t{1} << 31 : uint64_t{1} << 63;
  assembler_.MovImm(kScratch, negate ? sign : sign - 1);
  assembler_.Mov(Width::k64, kScratchXmm, kScratch);
  if (to != from) assembler_.Movap(to, from);
  assembler_.FloatBits(negate ? FloatBitOp::kXor : FloatBitOp::kAnd, p, to, kScratchXmm);
  stack_.PushXmm(KindOf(p), to);
}

void FunctionCompiler::FloatRound(Precision p, Rounding mode) {
  const bool owned = stack_.TopIsOverwritable();
  const Xmm from = stack_.PopXmm();
  const Xmm to = ResultXmm(0, owned ? Number(from) : kNoRegister);
  if (to != from) assembler_.Movap(to, from);
  assembler_.Round(p, to, to, mode);
  stack_.PushXmm(KindOf(p), to);
}

// minss gives its second operand for NaN and for two zeros; wasm wants a NaN and the right zero.
//   ordered and different  the instruction
//   equal                  or (min) and and (max) of the bits: -0 if either (both) is
//   unordered              the sum: a quiet NaN from whichever is one
void FunctionCompiler::FloatMinMax(Precision p, bool is_max) {
  const Xmm b = stack_.PopXmm();
  const Xmm a = stack_.PopOwnedXmm();
  assembler_.Ucomis(p, a, b);
  const x64::ShortJump different = assembler_.JccShort(Condition::kNotEqual);
  const x64::ShortJump unordered = assembler_.JccShort(Condition::kParity);
  assembler_.FloatBits(is_max ? FloatBitOp::kAnd : FloatBitOp::kOr, p, a, b);
  const x64::ShortJump equal_done = assembler_.JmpShort();
  assembler_.Bind(unordered);
  assembler_.Float(FloatOp::kAdd, p, a, b);
  const x64::ShortJump unordered_done = assembler_.JmpShort();
  assembler_.Bind(different);
  assembler_.Float(is_max ? FloatOp::kMax : FloatOp::kMin, p, a, b);
  assembler_.Bind(equal_done);
  assembler_.Bind(unordered_done);
  stack_.PushXmm(KindOf(p), a);
}

void FunctionCompiler::FloatCopysign(Precision p) {
  const Width w = p == kSingle ? Width::k32 : Width::k64;
  const Xmm b = stack_.PopXmm();
  const Xmm a = stack_.PopOwnedXmm();
  const Gpr bits = stack_.NewGpr();
  const uint8_t top = p == kSingle ? 31 : 63;
  // The sign of b alone, then a without its sign.
  assembler_.Mov(w, bits, b);
  assembler_.Shift(ShiftOp::kShr, w, bits, top);
  assembler_.Shift(ShiftOp::kShl, w, bits, top);
  assembler_.MovImm(kScratch, (uint64_t{1} << top) - 1);
  assembler_.Mov(Width::k64, kScratchXmm, kScratch);
  assembler_.FloatBits(FloatBitOp::kAnd, p, a, kScratchXmm);
  assembler_.Mov(w, kScratchXmm, bits);
  assembler_.FloatBits(FloatBitOp::kOr, p, a, kScratchXmm);
  stack_.PushXmm(KindOf(p), a);
}

}  // namespace tidepool::engine::baseline
