// Integer arithmetic, shifts, comparisons.
#include <bit>

#include "engine/baseline/function_compiler.h"

namespace tidepool::engine::baseline {

using wasm::ValueKind;
using x64::ArithmeticOp;
using x64::BitOp;
using x64::Condition;
using x64::Gpr;
using x64::Mem;
using x64::ShiftOp;
using x64::UnaryOp;
using x64::Width;

namespace {
constexpr ValueKind kI32 = ValueKind::kI32;
constexpr ValueKind kI64 = ValueKind::kI64;

bool IsCommutative(ArithmeticOp op) {
  return op != ArithmeticOp::kSub;
}
}  // namespace

// clang-format off
void FunctionCompiler::VisitI32Const(int32_t value) { stack_.PushConstant(kI32, static_cast<uint32_t>(value)); }
void FunctionCompiler::VisitI64Const(int64_t value) { stack_.PushConstant(kI64, static_cast<uint64_t>(value)); }

void FunctionCompiler::VisitI32Eqz() { CompareZero(kI32); }
void FunctionCompiler::VisitI32Eq()  { Compare(kI32, Condition::kEqual); }
void FunctionCompiler::VisitI32Ne()  { Compare(kI32, Condition::kNotEqual); }
void FunctionCompiler::VisitI32LtS() { Compare(kI32, Condition::kLess); }
void FunctionCompiler::VisitI32LtU() { Compare(kI32, Condition::kBelow); }
void FunctionCompiler::VisitI32GtS() { Compare(kI32, Condition::kGreater); }
void FunctionCompiler::VisitI32GtU() { Compare(kI32, Condition::kAbove); }
void FunctionCompiler::VisitI32LeS() { Compare(kI32, Condition::kLessEqual); }
void FunctionCompiler::VisitI32LeU() { Compare(kI32, Condition::kBelowEqual); }
void FunctionCompiler::VisitI32GeS() { Compare(kI32, Condition::kGreaterEqual); }
void FunctionCompiler::VisitI32GeU() { Compare(kI32, Condition::kAboveEqual); }
void FunctionCompiler::VisitI64Eqz() { CompareZero(kI64); }
void FunctionCompiler::VisitI64Eq()  { Compare(kI64, Condition::kEqual); }
void FunctionCompiler::VisitI64Ne()  { Compare(kI64, Condition::kNotEqual); }
void FunctionCompiler::VisitI64LtS() { Compare(kI64, Condition::kLess); }
void FunctionCompiler::VisitI64LtU() { Compare(kI64, Condition::kBelow); }
void FunctionCompiler::VisitI64GtS() { Compare(kI64, Condition::kGreater); }
void FunctionCompiler::VisitI64GtU() { Compare(kI64, Condition::kAbove); }
void FunctionCompiler::VisitI64LeS() { Compare(kI64, Condition::kLessEqual); }
void FunctionCompiler::VisitI64LeU() { Compare(kI64, Condition::kBelowEqual); }
void FunctionCompiler::VisitI64GeS() { Compare(kI64, Condition::kGreaterEqual); }
void FunctionCompiler::VisitI64GeU() { Compare(kI64, Condition::kAboveEqual); }

void FunctionCompiler::VisitI32Clz()    { CountZeros(kI32, true); }
void FunctionCompiler::VisitI32Ctz()    { CountZeros(kI32, false); }
void FunctionCompiler::VisitI32Popcnt() { PopulationCount(kI32); }
void FunctionCompiler::VisitI32Add()    { AddInto(kI32); }
void FunctionCompiler::VisitI32Sub()    { Subtract(kI32); }
void FunctionCompiler::VisitI32Mul()    { Multiply(kI32); }
void FunctionCompiler::VisitI32DivS()   { Divide(kI32, Division::kDivS); }
void FunctionCompiler::VisitI32DivU()   { Divide(kI32, Division::kDivU); }
void FunctionCompiler::VisitI32RemS()   { Divide(kI32, Division::kRemS); }
void FunctionCompiler::VisitI32RemU()   { Divide(kI32, Division::kRemU); }
void FunctionCompiler::VisitI32And()    { Binary(kI32, ArithmeticOp::kAnd); }
void FunctionCompiler::VisitI32Or()     { Binary(kI32, ArithmeticOp::kOr); }
void FunctionCompiler::VisitI32Xor()    { Binary(kI32, ArithmeticOp::kXor); }
void FunctionCompiler::VisitI32Shl()    { Shift(kI32, ShiftOp::kShl); }
void FunctionCompiler::VisitI32ShrS()   { Shift(kI32, ShiftOp::kSar); }
void FunctionCompiler::VisitI32ShrU()   { Shift(kI32, ShiftOp::kShr); }
void FunctionCompiler::VisitI32Rotl()   { Shift(kI32, ShiftOp::kRol); }
void FunctionCompiler::VisitI32Rotr()   { Shift(kI32, ShiftOp::kRor); }
void FunctionCompiler::VisitI64Clz()    { CountZeros(kI64, true); }
void FunctionCompiler::VisitI64Ctz()    { CountZeros(kI64, false); }
void FunctionCompiler::VisitI64Popcnt() { PopulationCount(kI64); }
void FunctionCompiler::VisitI64Add()    { AddInto(kI64); }
void FunctionCompiler::VisitI64Sub()    { Subtract(kI64); }
void FunctionCompiler::VisitI64Mul()    { Multiply(kI64); }
void FunctionCompiler::VisitI64DivS()   { Divide(kI64, Division::kDivS); }
void FunctionCompiler::VisitI64DivU()   { Divide(kI64, Division::kDivU); }
void FunctionCompiler::VisitI64RemS()   { Divide(kI64, Division::kRemS); }
void FunctionCompiler::VisitI64RemU()   { Divide(kI64, Division::kRemU); }
void FunctionCompiler::VisitI64And()    { Binary(kI64, ArithmeticOp::kAnd); }
void FunctionCompiler::VisitI64Or()     { Binary(kI64, ArithmeticOp::kOr); }
void FunctionCompiler::VisitI64Xor()    { Binary(kI64, ArithmeticOp::kXor); }
void FunctionCompiler::VisitI64Shl()    { Shift(kI64, ShiftOp::kShl); }
void FunctionCompiler::VisitI64ShrS()   { Shift(kI64, ShiftOp::kSar); }
void FunctionCompiler::VisitI64ShrU()   { Shift(kI64, ShiftOp::kShr); }
void FunctionCompiler::VisitI64Rotl()   { Shift(kI64, ShiftOp::kRol); }
void FunctionCompiler::VisitI64Rotr()   { Shift(kI64, ShiftOp::kRor); }

void FunctionCompiler::VisitI32Extend8S()  { ExtendSign(kI32, kI32, 8); }
void FunctionCompiler::VisitI32Extend16S() { ExtendSign(kI32, kI32, 16); }
void FunctionCompiler::VisitI64Extend8S()  { ExtendSign(kI64, kI64, 8); }
void FunctionCompiler::VisitI64Extend16S() { ExtendSign(kI64, kI64, 16); }
void FunctionCompiler::VisitI64Extend32S() { ExtendSign(kI64, kI64, 32); }
void FunctionCompiler::VisitI64ExtendI32S() { ExtendSign(kI32, kI64, 32); }
// clang-format on

// ---- Two operands
// ---------------------------------------------------------------------------------

// Pops b, then a; pushes `a op b`, computed in a's register if that may be overwritten, or at once
// in the register of the local that the next operator sets.
void FunctionCompiler::Binary(ValueKind kind, ArithmeticOp op) {
  const Width w = WidthOf(kind);
  if (IsCommutative(op)) stack_.SwapConstantToTop();
  const bool b_owned = stack_.TopIsOwned();
  GprOperand b = stack_.PopGprOperand();
  if (b_owned && IsCommutative(op) && !stack_.TopIsOwned()) {
    // Into b's register: one copy less.
    const GprOperand a = stack_.PopGprOperand();
    const Gpr to = ResultGpr(0, Number(b.reg));
    if (a.is_register() && to == a.reg) {
      assembler_.Arithmetic(op, w, to, b.reg);
    } else {
      if (to != b.reg) assembler_.Mov(w, to, b.reg);
      ApplyArithmetic(op, w, to, a);
    }
    stack_.PushGpr(kind, to);
    return;
  }
  const bool a_owned = stack_.TopIsOverwritable();
  const Gpr a = stack_.PopGpr();
  const Gpr to = ResultGpr(0, a_owned ? Number(a) : kNoRegister);
  if (to != a) {
    if (b.is_register() && b.reg == to) {
      // The local that is set next is the right operand.
      if (IsCommutative(op)) {
        assembler_.Arithmetic(op, w, to, a);
        stack_.PushGpr(kind, to);
        return;
      }
      assembler_.Mov(w, kScratch, b.reg);
      b.reg = kScratch;
    }
    assembler_.Mov(w, to, a);
  }
  ApplyArithmetic(op, w, to, b);
  stack_.PushGpr(kind, to);
}

void FunctionCompiler::ApplyArithmetic(ArithmeticOp op,
                                       Width w,
                                       Gpr to,
                                       const GprOperand& operand) {
  switch (operand.form) {
    case GprOperand::Form::kRegister:
      assembler_.Arithmetic(op, w, to, operand.reg);
      return;
    case GprOperand::Form::kMemory:
      assembler_.Arithmetic(op, w, to, operand.mem());
      return;
    case GprOperand::Form::kImmediate:
      assembler_.Arithmetic(op, w, to, operand.value);
      return;
  }
}

// Addition has three-operand forms through lea, which never copies an operand first.
void FunctionCompiler::AddInto(ValueKind kind) {
  const Width w = WidthOf(kind);
  stack_.SwapConstantToTop();
  const bool b_owned = stack_.TopIsOwned();
  const GprOperand b = stack_.PopGprOperand();
  const bool a_owned = stack_.TopIsOverwritable();
  const Gpr a = stack_.PopGpr();
  const uint8_t reusable = a_owned ? Number(a) : b_owned ? Number(b.reg) : kNoRegister;
  const Gpr to = ResultGpr(0, reusable);
  if (to == a) {
    ApplyArithmetic(ArithmeticOp::kAdd, w, to, b);
  } else if (b.is_immediate()) {
    assembler_.Lea(w, to, Mem::At(a, b.value));
  } else if (b.is_register()) {
    if (to == b.reg) {
      assembler_.Arithmetic(ArithmeticOp::kAdd, w, to, a);
    } else {
      assembler_.Lea(w, to, Mem::Indexed(a, b.reg));
    }
  } else {
    assembler_.Mov(w, to, a);
    assembler_.Arithmetic(ArithmeticOp::kAdd, w, to, b.mem());
  }
  stack_.PushGpr(kind, to);
}

// Of a constant: the addition of its opposite, which needs no copy.
void FunctionCompiler::Subtract(ValueKind kind) {
  if (!stack_.TopIsConstant()) return Binary(kind, ArithmeticOp::kSub);
  const uint64_t opposite = 0 - stack_.PopConstant();
  stack_.PushConstant(kind, kind == kI32 ? static_cast<uint32_t>(opposite) : opposite);
  AddInto(kind);
}

void FunctionCompiler::Multiply(ValueKind kind) {
  const Width w = WidthOf(kind);
  stack_.SwapConstantToTop();
  GprOperand b = stack_.PopGprOperand();
  const bool a_owned = stack_.TopIsOverwritable();
  const Gpr a = stack_.PopGpr();
  const Gpr to = ResultGpr(0, a_owned ? Number(a) : kNoRegister);
  if (b.is_immediate()) {
    assembler_.Imul(w, to, a, b.value);
  } else if (b.is_register() && b.reg == to) {
    assembler_.Imul(w, to, a);
  } else {
    if (to != a) assembler_.Mov(w, to, a);
    if (b.is_register()) {
      assembler_.Imul(w, to, b.reg);
    } else {
      assembler_.Imul(w, to, b.mem());
    }
  }
  stack_.PushGpr(kind, to);
}

void FunctionCompiler::Shift(ValueKind kind, ShiftOp op) {
  const Width w = WidthOf(kind);
  const bool constant = stack_.TopIsConstant();
  uint8_t count = 0;
  if (constant) {
    count = static_cast<uint8_t>(stack_.PopConstant() & (kind == kI32 ? 31 : 63));
  } else {
    stack_.PopGprInto(
        Gpr::kRcx);  // Where shifts want it; the hardware masks the count as wasm does.
  }
  const bool a_owned = stack_.TopIsOverwritable();
  const Gpr a = stack_.PopGpr();
  const Gpr to = ResultGpr(0, a_owned ? Number(a) : kNoRegister);
  if (to != a) assembler_.Mov(w, to, a);
  if (constant) {
    if (count != 0) assembler_.Shift(op, w, to, count);
  } else {
    assembler_.ShiftByCl(op, w, to);
  }
  stack_.PushGpr(kind, to);
}

// ---- Division
// -------------------------------------------------------------------------------------

// Unsigned by a power of two needs no division.  Other constants go through div without the test
// for zero.  True if it was done.
bool FunctionCompiler::DivideByConstant(ValueKind kind, Division division) {
  const Width w = WidthOf(kind);
  const uint64_t divisor = stack_.FromTop(0).constant;
  if (!std::has_single_bit(divisor)) return false;
  const bool quotient = division == Division::kDivU;
  if (!quotient && division != Division::kRemU) return false;
  if (!quotient && divisor - 1 > INT32_MAX) return false;  // No immediate for the mask.
  stack_.PopConstant();
  const bool a_owned = stack_.TopIsOverwritable();
  const Gpr a = stack_.PopGpr();
  const Gpr to = ResultGpr(0, a_owned ? Number(a) : kNoRegister);
  if (to != a) assembler_.Mov(w, to, a);
  if (quotient) {
    const uint8_t count = static_cast<uint8_t>(std::countr_zero(divisor));
    if (count != 0) assembler_.Shift(ShiftOp::kShr, w, to, count);
  } else {
    assembler_.Arithmetic(ArithmeticOp::kAnd, w, to, static_cast<int32_t>(divisor - 1));
  }
  stack_.PushGpr(kind, to);
  return true;
}

void FunctionCompiler::Divide(ValueKind kind, Division division) {
  const Width w = WidthOf(kind);
  const bool constant = stack_.TopIsConstant();
  const uint64_t constant_value = constant ? stack_.FromTop(0).constant : 0;
  if (constant && DivideByConstant(kind, division)) return;
  const bool is_signed = division == Division::kDivS || division == Division::kRemS;
  const uint64_t minus_one = kind == kI32 ? UINT32_MAX : UINT64_MAX;

  // The divisor anywhere but in rdx:rax, which hold the dividend.
  stack_.PopGprTo(kScratch);
  const Gpr divisor = kScratch;
  stack_.PopGprInto(Gpr::kRax);
  stack_.Take(Gpr::kRdx);
  if (!constant || constant_value == 0) {
    assembler_.Test(w, divisor, divisor);
    TrapIf(Condition::kEqual, TrapCode::kIntegerDivideByZero);
  }
  if (!is_signed) {
    assembler_.Zero(Gpr::kRdx);
    assembler_.Unary(UnaryOp::kDiv, w, divisor);
  } else if (constant && constant_value != minus_one) {
    assembler_.SignToDx(w);
    assembler_.Unary(UnaryOp::kIdiv, w, divisor);
  } else {
    CheckedIdiv(w, division, divisor);
  }
  const bool quotient = division == Division::kDivS || division == Division::kDivU;
  stack_.PushGpr(kind, quotient ? Gpr::kRax : Gpr::kRdx);
}

// The smallest number divided by -1 does not fit: a trap for the quotient, 0 for the remainder,
// and for idiv a fault in both cases.
void FunctionCompiler::CheckedIdiv(Width w, Division division, Gpr divisor) {
  assembler_.Arithmetic(ArithmeticOp::kCmp, w, divisor, -1);
  const x64::ShortJump ordinary = assembler_.JccShort(Condition::kNotEqual);
  if (division == Division::kDivS) {
    assembler_.Unary(UnaryOp::kNeg, w, Gpr::kRax);
    TrapIf(Condition::kOverflow, TrapCode::kIntegerOverflow);
  } else {
    assembler_.Zero(Gpr::kRdx);
  }
  const x64::ShortJump done = assembler_.JmpShort();
  assembler_.Bind(ordinary);
  assembler_.SignToDx(w);
  assembler_.Unary(UnaryOp::kIdiv, w, divisor);
  assembler_.Bind(done);
}

// ---- Comparisons
// ----------------------------------------------------------------------------------

void FunctionCompiler::Compare(ValueKind kind, Condition condition) {
  const Width w = WidthOf(kind);
  if (stack_.SwapConstantToTop()) condition = x64::Swapped(condition);
  const GprOperand b = stack_.PopGprOperand();
  if (b.is_immediate() && stack_.FromTop(0).where == Value::Where::kHome) {
    const GprOperand a = stack_.PopGprOperand();
    assembler_.Arithmetic(ArithmeticOp::kCmp, w, a.mem(), b.value);
  } else {
    const Gpr a = stack_.PopGpr();
    const bool with_zero = b.is_immediate() && b.value == 0 &&
                           (condition == Condition::kEqual || condition == Condition::kNotEqual);
    if (with_zero) {
      assembler_.Test(w, a, a);
    } else {
      ApplyArithmetic(ArithmeticOp::kCmp, w, a, b);
    }
  }
  PushComparison({condition});
}

void FunctionCompiler::CompareZero(ValueKind kind) {
  if (stack_.TopIsFlags()) {
    PushComparison(stack_.PopFlags().Opposite());
    return;
  }
  const Width w = WidthOf(kind);
  const GprOperand a = stack_.TopIsConstant()
                           ? GprOperand{GprOperand::Form::kRegister, stack_.PopGpr()}
                           : stack_.PopGprOperand();
  if (a.is_register()) {
    assembler_.Test(w, a.reg, a.reg);
  } else {
    assembler_.Arithmetic(ArithmeticOp::kCmp, w, a.mem(), 0);
  }
  PushComparison({Condition::kEqual});
}

// ---- One operand
// ----------------------------------------------------------------------------------

void FunctionCompiler::CountZeros(ValueKind kind, bool leading) {
  const Width w = WidthOf(kind);
  const int32_t bits = kind == kI32 ? 32 : 64;
  const Gpr from = stack_.PopGpr();
  const Gpr to = ResultGpr();
  const CpuFeature feature = leading ? CpuFeature::kLzcnt : CpuFeature::kBmi1;
  if (context_.options.cpu_features.Has(feature)) {
    assembler_.Bits(leading ? BitOp::kLzcnt : BitOp::kTzcnt, w, to, from);
  } else if (leading) {
    // bsr gives the top bit's number; for 0 what makes the xor below give `bits`.
    assembler_.MovImm(kScratch, static_cast<uint64_t>(2 * bits - 1));
    assembler_.Bits(BitOp::kBsr, w, to, from);
    assembler_.Cmov(Condition::kEqual, w, to, kScratch);
    assembler_.Arithmetic(ArithmeticOp::kXor, w, to, bits - 1);
  } else {
    assembler_.MovImm(kScratch, static_cast<uint64_t>(bits));
    assembler_.Bits(BitOp::kBsf, w, to, from);
    assembler_.Cmov(Condition::kEqual, w, to, kScratch);
  }
  stack_.PushGpr(kind, to);
}

void FunctionCompiler::PopulationCount(ValueKind kind) {
  const Gpr from = stack_.PopGpr();
  const Gpr to = ResultGpr();
  assembler_.Bits(BitOp::kPopcnt, WidthOf(kind), to, from);
  stack_.PushGpr(kind, to);
}

void FunctionCompiler::ExtendSign(ValueKind from_kind, ValueKind kind, uint32_t bits) {
  const bool owned = stack_.TopIsOverwritable();
  const Gpr from = stack_.PopGpr();
  const Gpr to = ResultGpr(0, owned ? Number(from) : kNoRegister);
  const Width w = WidthOf(kind);
  switch (bits) {
    case 8:
      assembler_.Movsx8(w, to, from);
      break;
    case 16:
      assembler_.Movsx16(w, to, from);
      break;
    default:
      assembler_.Movsxd(to, from);
      break;
  }
  stack_.PushGpr(kind, to);
}

}  // namespace tidepool::engine::baseline
