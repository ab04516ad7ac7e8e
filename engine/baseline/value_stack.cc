#include "engine/baseline/value_stack.h"

#include <algorithm>

namespace tidepool::engine::baseline {

using wasm::ValueKind;
using x64::Gpr;
using x64::GprSet;
using x64::Width;
using x64::Xmm;
using x64::XmmSet;
using Where = Value::Where;

namespace {

bool FitsImmediate(uint64_t bits) {
  return static_cast<int64_t>(bits) == static_cast<int32_t>(bits);
}

}  // namespace

void ValueStack::BeginFunction(GprSet allocatable_gprs, XmmSet allocatable_xmms) {
  gprs_.BeginFunction(allocatable_gprs);
  xmms_.BeginFunction(allocatable_xmms);
  values_.clear();
  flushed_ = 0;
  slots_max_ = locals_.slots();
}

// ---- Push
// -----------------------------------------------------------------------------------------

Value& ValueStack::New(ValueKind kind, Where where) {
  const uint32_t slots_end = SlotsBelow(height()) + SlotsOf(kind);
  Value& value = values_.emplace_back();
  value.kind = kind;
  value.where = where;
  value.slots_end = slots_end;
  slots_max_ = std::max(slots_max_, slots_end);
  return value;
}

void ValueStack::PushGpr(ValueKind kind, Gpr reg) {
  New(kind, Where::kRegister).reg = Number(reg);
  if (!gprs_.allocatable.Has(reg))
    return;  // A pinned local's, to be consumed by local.set at once.
  if (gprs_.caching.Has(reg)) gprs_.Forget(reg);
  gprs_.owned.Add(reg);
  gprs_.owner[Number(reg)] = height() - 1;
}

void ValueStack::PushXmm(ValueKind kind, Xmm reg) {
  New(kind, Where::kRegister).reg = Number(reg);
  if (!xmms_.allocatable.Has(reg)) return;
  if (xmms_.caching.Has(reg)) xmms_.Forget(reg);
  xmms_.owned.Add(reg);
  xmms_.owner[Number(reg)] = height() - 1;
}

void ValueStack::PushLocal(uint32_t local) {
  LocalState& state = locals_.Touch(local);
  Value& value = New(state.kind, Where::kLocal);
  value.local = local;
  value.previous_reference = state.last_reference;
  state.last_reference = static_cast<int32_t>(height() - 1);
}

void ValueStack::PushHome(ValueKind kind) {
  New(kind, Where::kHome);
  if (flushed_ == height() - 1) flushed_ = height();
}

void ValueStack::PushFlags(FlagTest test) {
  Value& value = New(ValueKind::kI32, Where::kFlags);
  value.flag_form = test.form;
  value.condition = test.condition;
}

// ---- Pop
// ------------------------------------------------------------------------------------------

Value ValueStack::Remove() {
  const Value value = values_.back();
  values_.pop_back();
  flushed_ = std::min(flushed_, height());
  if (value.where == Where::kLocal) {
    Unlink(value);
  } else if (value.where == Where::kRegister) {
    if (IsVector(value.kind)) {
      const Xmm reg = static_cast<Xmm>(value.reg);
      xmms_.owned.Remove(reg);
      if (xmms_.allocatable.Has(reg)) xmms_.locked.Add(reg);
    } else {
      const Gpr reg = static_cast<Gpr>(value.reg);
      gprs_.owned.Remove(reg);
      if (gprs_.allocatable.Has(reg)) gprs_.locked.Add(reg);
    }
  }
  return value;
}

// For an operand that is only read: a register copy of a local serves, and is kept for later reads.
Gpr ValueStack::ReadLocal(LocalState& local) {
  if (local.pinned != kNoRegister) return static_cast<Gpr>(local.pinned);
  if (local.cached != kNoRegister) {
    const Gpr reg = static_cast<Gpr>(local.cached);
    gprs_.locked.Add(reg);
    return reg;
  }
  const Gpr reg = NewGpr();
  LoadHome(local.kind, reg, local.home);
  gprs_.Cache(reg, local);
  return reg;
}

Xmm ValueStack::ReadLocalXmm(LocalState& local) {
  if (local.pinned != kNoRegister) return static_cast<Xmm>(local.pinned);
  if (local.cached != kNoRegister) {
    const Xmm reg = static_cast<Xmm>(local.cached);
    xmms_.locked.Add(reg);
    return reg;
  }
  const Xmm reg = NewXmm();
  LoadHome(local.kind, reg, local.home);
  xmms_.Cache(reg, local);
  return reg;
}

void ValueStack::MaterializeFlags(FlagTest test, Gpr to) {
  using x64::Condition;
  switch (test.form) {
    case FlagTest::Form::kPlain:
      assembler_.Set(test.condition, to);
      break;
    case FlagTest::Form::kFloatEqual:
      assembler_.Set(Condition::kNoParity, kScratch);
      assembler_.Set(Condition::kEqual, to);
      assembler_.Arithmetic(x64::ArithmeticOp::kAnd, Width::k32, to, kScratch);
      break;
    case FlagTest::Form::kFloatNotEqual:
      assembler_.Set(Condition::kParity, kScratch);
      assembler_.Set(Condition::kNotEqual, to);
      assembler_.Arithmetic(x64::ArithmeticOp::kOr, Width::k32, to, kScratch);
      break;
  }
  assembler_.Movzx8(to, to);
}

Gpr ValueStack::PopGpr() {
  const Value value = Remove();
  if (value.where == Where::kRegister) return static_cast<Gpr>(value.reg);
  if (value.where == Where::kLocal) return ReadLocal(locals_.Touch(value.local));
  const Gpr reg = NewGpr();
  switch (value.where) {
    case Where::kConstant:
      assembler_.MovImm(reg, value.constant);
      break;
    case Where::kHome:
      LoadHome(value.kind, reg, HomeOfSlot(value.slots_end - 1));
      break;
    default:
      MaterializeFlags({value.condition, value.flag_form}, reg);
      break;
  }
  return reg;
}

bool ValueStack::TopIsOwned() const {
  const Value& top = values_.back();
  if (top.where != Where::kRegister) return false;
  return IsVector(top.kind) ? xmms_.allocatable.Has(static_cast<Xmm>(top.reg))
                            : gprs_.allocatable.Has(static_cast<Gpr>(top.reg));
}

Gpr ValueStack::PopOwnedGpr() {
  const Value& top = values_.back();
  if (top.where == Where::kConstant || top.where == Where::kHome || top.where == Where::kFlags ||
      TopIsOwned()) {
    return PopGpr();
  }
  const ValueKind kind = top.kind;
  const Value value = Remove();
  const uint8_t from = RegisterOf(value);
  // Locked first, so that the copy does not replace it.
  if (from != kNoRegister && gprs_.allocatable.Has(static_cast<Gpr>(from))) {
    gprs_.locked.Add(static_cast<Gpr>(from));
  }
  const Gpr reg = NewGpr();
  if (from != kNoRegister) {
    assembler_.Mov(WidthOf(kind), reg, static_cast<Gpr>(from));
  } else {
    LoadHome(kind, reg, locals_.Touch(value.local).home);
  }
  return reg;
}

void ValueStack::PopGprTo(Gpr reg) {
  const uint32_t top = height() - 1;
  if (TopIsFlags()) {
    const FlagTest test = PopFlags();
    MaterializeFlags(test, reg);
    return;
  }
  LoadEntry(top, reg);
  const Value value = Remove();
  if (value.where == Where::kRegister) gprs_.locked.Remove(static_cast<Gpr>(value.reg));
}

bool ValueStack::SwapConstantToTop() {
  Value& top = values_.back();
  Value& below = values_[values_.size() - 2];
  if (below.where != Where::kConstant) return false;
  const uint32_t index = height() - 2;
  switch (top.where) {
    case Where::kRegister:
      if (IsVector(top.kind)) {
        xmms_.owner[top.reg] = index;
      } else {
        gprs_.owner[top.reg] = index;
      }
      break;
    case Where::kLocal:
      locals_.Touch(top.local).last_reference = static_cast<int32_t>(index);
      break;
    default:
      return false;  // Another constant gains nothing, a home would have to be copied.
  }
  const uint64_t constant = below.constant;
  below.where = top.where;
  below.reg = top.reg;
  below.constant = top.constant;  // Or the local and its link.
  top.where = Where::kConstant;
  top.constant = constant;
  return true;
}

void ValueStack::PopGprInto(Gpr reg) {
  const Value& top = values_.back();
  const uint8_t from = RegisterOf(top);
  if (from == Number(reg)) {
    if (top.where == Where::kLocal) gprs_.Forget(reg);
    Remove();
    gprs_.locked.Add(reg);
    return;
  }
  const GprSet locked_before = gprs_.locked;
  const Value value = Remove();
  // Locked until it was read, so that nothing moves into it.
  if (from != kNoRegister) gprs_.locked.Add(static_cast<Gpr>(from));
  Take(reg);
  switch (value.where) {
    case Where::kConstant:
      assembler_.MovImm(reg, value.constant);
      break;
    case Where::kFlags:
      MaterializeFlags({value.condition, value.flag_form}, reg);
      break;
    case Where::kHome:
      LoadHome(value.kind, reg, HomeOfSlot(value.slots_end - 1));
      break;
    case Where::kRegister:
    case Where::kLocal:
      if (from != kNoRegister) {
        assembler_.Mov(WidthOf(value.kind), reg, static_cast<Gpr>(from));
      } else {
        LoadHome(value.kind, reg, locals_.Touch(value.local).home);
      }
      break;
  }
  gprs_.locked = locked_before;
  gprs_.locked.Add(reg);
}

GprOperand ValueStack::PopGprOperand() {
  const Value& top = values_.back();
  if (top.where == Where::kConstant) {
    const uint64_t bits = top.constant;
    if (top.kind == ValueKind::kI32 || FitsImmediate(bits)) {
      Remove();
      return {GprOperand::Form::kImmediate, {}, static_cast<int32_t>(bits)};
    }
  } else if (top.where == Where::kHome) {
    const int32_t home = HomeOf(height() - 1);
    Remove();
    return {GprOperand::Form::kMemory, {}, home};
  }
  return {GprOperand::Form::kRegister, PopGpr(), 0};
}

Xmm ValueStack::PopXmm() {
  const Value value = Remove();
  if (value.where == Where::kRegister) return static_cast<Xmm>(value.reg);
  if (value.where == Where::kLocal) return ReadLocalXmm(locals_.Touch(value.local));
  const Xmm reg = NewXmm();
  if (value.where == Where::kConstant) {
    MoveConstant(reg, value.constant);
  } else {
    LoadHome(value.kind, reg, HomeOfSlot(value.slots_end - 1));
  }
  return reg;
}

Xmm ValueStack::PopOwnedXmm() {
  if (values_.back().where != Where::kLocal &&
      (values_.back().where != Where::kRegister || TopIsOwned())) {
    return PopXmm();
  }
  const Value value = Remove();
  const uint8_t from = RegisterOf(value);
  if (from != kNoRegister && xmms_.allocatable.Has(static_cast<Xmm>(from))) {
    xmms_.locked.Add(static_cast<Xmm>(from));
  }
  const Xmm reg = NewXmm();
  if (from != kNoRegister) {
    assembler_.Movap(reg, static_cast<Xmm>(from));
  } else {
    LoadHome(value.kind, reg, locals_.Touch(value.local).home);
  }
  return reg;
}

void ValueStack::PopXmmTo(Xmm reg) {
  LoadEntry(height() - 1, reg);
  const Value value = Remove();
  if (value.where == Where::kRegister) xmms_.locked.Remove(static_cast<Xmm>(value.reg));
}

void ValueStack::PopXmmInto(Xmm reg) {
  const Value& top = values_.back();
  if (RegisterOf(top) == Number(reg)) {
    if (top.where == Where::kLocal) xmms_.Forget(reg);
    Remove();
    xmms_.locked.Add(reg);
    return;
  }
  const XmmSet locked_before = xmms_.locked;
  const Xmm from = PopXmm();
  if (from == reg) {  // Read from memory into the very register.
    if (xmms_.caching.Has(reg)) xmms_.Forget(reg);
    return;
  }
  Take(reg);
  assembler_.Movap(reg, from);
  xmms_.locked = locked_before;
  xmms_.locked.Add(reg);
}

XmmOperand ValueStack::PopXmmOperand() {
  if (values_.back().where == Where::kHome) {
    const int32_t home = HomeOf(height() - 1);
    Remove();
    return {false, {}, home};
  }
  return {true, PopXmm(), 0};
}

uint64_t ValueStack::PopConstant() {
  TP_DCHECK(TopIsConstant());
  return Remove().constant;
}

FlagTest ValueStack::PopFlags() {
  const Value value = Remove();
  return {value.condition, value.flag_form};
}

void ValueStack::Drop() {
  Remove();
}

void ValueStack::Truncate(uint32_t new_height) {
  while (height() > new_height) Remove();
}

}  // namespace tidepool::engine::baseline
