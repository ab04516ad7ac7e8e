// Blocks, branches, select.
#include "engine/baseline/function_compiler.h"

namespace tidepool::engine::baseline {

using wasm::ValueKind;
using x64::ArithmeticOp;
using x64::Condition;
using x64::Gpr;
using x64::Label;
using x64::Mem;
using x64::Width;
using x64::Xmm;

namespace {

// Longer copies between homes are loops, so that code stays in proportion to the body's bytes.
constexpr uint32_t kUnrolledCopiesMax = 8;
// A switch over so few cases compares one by one: no indirect jump to predict.
constexpr uint32_t kSteppedCasesMax = 3;
constexpr Gpr kResultGpr = Gpr::kRax;
constexpr Xmm kResultXmm = Xmm::k0;

}  // namespace

uint32_t FunctionCompiler::NewLabel() {
  labels_.emplace_back();
  return static_cast<uint32_t>(labels_.size() - 1);
}

void FunctionCompiler::PushControl(Control::Kind kind, wasm::BlockType type) {
  Control control;
  control.kind = kind;
  control.label = NewLabel();
  control.serial = ++serial_;
  if (type.form == wasm::BlockType::Form::kValue) {
    control.single_result = true;
    control.result = type.value.kind();
  } else if (type.form == wasm::BlockType::Form::kFunction) {
    control.type = &module_.types[wasm::ToInt(type.type)];
  }
  control.height = stack_.height() - control.param_count();
  controls_.push_back(control);
}

// ---- Conditions
// -----------------------------------------------------------------------------------

FlagTest FunctionCompiler::PopCondition() {
  if (stack_.TopIsFlags()) return stack_.PopFlags();
  const GprOperand operand = stack_.TopIsConstant()
                                 ? GprOperand{GprOperand::Form::kRegister, stack_.PopGpr()}
                                 : stack_.PopGprOperand();
  if (operand.is_register()) {
    assembler_.Test(Width::k32, operand.reg, operand.reg);
  } else {
    assembler_.Arithmetic(ArithmeticOp::kCmp, Width::k32, operand.mem(), 0);
  }
  stack_.BeginOperator();  // Only the flags matter now: its register is free again.
  return {Condition::kNotEqual};
}

void FunctionCompiler::JumpIf(FlagTest test, Label& label) {
  switch (test.form) {
    case FlagTest::Form::kPlain:
      assembler_.Jcc(test.condition, label);
      return;
    case FlagTest::Form::kFloatEqual: {
      const x64::ShortJump unordered = assembler_.JccShort(Condition::kParity);
      assembler_.Jcc(Condition::kEqual, label);
      assembler_.Bind(unordered);
      return;
    }
    case FlagTest::Form::kFloatNotEqual:
      assembler_.Jcc(Condition::kParity, label);
      assembler_.Jcc(Condition::kNotEqual, label);
      return;
  }
}

// ---- Blocks
// ---------------------------------------------------------------------------------------

void FunctionCompiler::VisitUnreachable() {
  TrapAlways(TrapCode::kUnreachable);
  live_ = false;
}

void FunctionCompiler::VisitNop() {}

void FunctionCompiler::VisitBlock(wasm::BlockType type) {
  if (!live_) {
    ++dead_blocks_;
    return;
  }
  stack_.Flush();
  PushControl(Control::Kind::kBlock, type);
}

void FunctionCompiler::VisitLoop(wasm::BlockType type) {
  if (!live_) {
    ++dead_blocks_;
    return;
  }
  stack_.Flush();
  stack_.ForgetCaches();  // Not so on the way back.
  PushControl(Control::Kind::kLoop, type);
  assembler_.Bind(labels_[controls_.back().label]);
  CheckInterrupt();
}

void FunctionCompiler::VisitIf(wasm::BlockType type) {
  if (!live_) {
    ++dead_blocks_;
    return;
  }
  const FlagTest test = PopCondition();
  stack_.Flush();
  PushControl(Control::Kind::kIf, type);
  const uint32_t else_label = NewLabel();
  controls_.back().else_label = else_label;
  JumpIf(test.Opposite(), labels_[else_label]);
}

// From the `if` block's first part, which may end live, to its second.
void FunctionCompiler::BeginElse(Control& control) {
  if (live_) {
    MoveBranchValues(control);
    assembler_.Jmp(labels_[control.label]);
    MarkReached(control);
  }
  stack_.Truncate(control.height);
  for (uint32_t i = 0; i < control.param_count(); ++i) stack_.PushHome(control.ParamKind(i));
  assembler_.Bind(labels_[control.else_label]);
  stack_.ForgetCaches();
  control.kind = Control::Kind::kElse;
  control.serial = ++serial_;
  live_ = true;
}

void FunctionCompiler::VisitElse() {
  if (dead_blocks_ == 0) BeginElse(controls_.back());
}

void FunctionCompiler::VisitEnd() {
  if (dead_blocks_ > 0) {
    --dead_blocks_;
    return;
  }
  Control& control = controls_.back();
  if (control.kind == Control::Kind::kIf) {
    // Without an `else` the operands of the block are its results.
    if (control.result_count() != 0) {
      BeginElse(control);
    } else {
      assembler_.Bind(labels_[control.else_label]);
      control.reached = true;
    }
  }
  const bool is_function = control.kind == Control::Kind::kFunction;
  const bool merges = control.reached && control.kind != Control::Kind::kLoop;
  if (merges || is_function) {
    if (live_) MoveBranchValues(control);
    stack_.Truncate(control.height);
    assembler_.Bind(labels_[control.label]);
    stack_.ForgetCaches();
    live_ = live_ || control.reached;
    if (!is_function) {
      if (control.branch_in_register()) {
        const ValueKind kind = control.ResultKind(0);
        if (IsVector(kind)) {
          stack_.PushXmm(kind, kResultXmm);
        } else {
          stack_.PushGpr(kind, kResultGpr);
        }
      } else {
        for (uint32_t i = 0; i < control.result_count(); ++i) {
          stack_.PushHome(control.ResultKind(i));
        }
      }
    }
  } else if (!live_) {
    stack_.Truncate(control.height);
  }
  controls_.pop_back();
}

// ---- Branches
// -------------------------------------------------------------------------------------

bool FunctionCompiler::HomesAgree(const Control& target) const {
  return stack_.height() - target.branch_count() == target.height;
}

// The values of a branch, which are at home at the top of the stack, to their homes at the label.
// Destroys rax and rcx if there are many.
void FunctionCompiler::CopyToHomes(const Control& target) {
  const uint32_t count = target.branch_count();
  const uint32_t from = stack_.SlotsBelow(stack_.height() - count);
  const uint32_t to = stack_.SlotsBelow(target.height);
  const uint32_t slots = stack_.SlotsBelow(stack_.height()) - from;
  // From the lowest slot on: the destination is never above the source.
  if (slots <= kUnrolledCopiesMax) {
    for (uint32_t i = 0; i < slots; ++i) {
      assembler_.Mov(Width::k64, kScratch, FrameMem(HomeOfSlot(from + i)));
      assembler_.Mov(Width::k64, FrameMem(HomeOfSlot(to + i)), kScratch);
    }
    return;
  }
  // rcx counts downward, as homes do.
  assembler_.Zero(Gpr::kRcx);
  Label next;
  assembler_.Bind(next);
  assembler_.Mov(Width::k64, Gpr::kRax, Mem::Indexed(Gpr::kRbp, Gpr::kRcx, 3, HomeOfSlot(from)));
  assembler_.Mov(Width::k64, Mem::Indexed(Gpr::kRbp, Gpr::kRcx, 3, HomeOfSlot(to)), Gpr::kRax);
  assembler_.Arithmetic(ArithmeticOp::kSub, Width::k64, Gpr::kRcx, 1);
  assembler_.Arithmetic(ArithmeticOp::kCmp, Width::k64, Gpr::kRcx, -static_cast<int32_t>(slots));
  assembler_.Jcc(Condition::kNotEqual, next);
}

// For a branch that is certainly taken: registers of other entries may be overwritten.
void FunctionCompiler::MoveBranchValues(const Control& target) {
  const uint32_t count = target.branch_count();
  if (count == 0) return;
  if (target.branch_in_register()) {
    const uint32_t top = stack_.height() - 1;
    if (IsVector(target.ResultKind(0))) {
      stack_.LoadEntry(top, kResultXmm);
    } else {
      stack_.LoadEntry(top, kResultGpr);
    }
    return;
  }
  stack_.FlushTop(count);
  if (!HomesAgree(target)) CopyToHomes(target);
}

void FunctionCompiler::Branch(Control& target) {
  MoveBranchValues(target);
  MarkReached(target);
  assembler_.Jmp(labels_[target.label]);
  live_ = false;
}

void FunctionCompiler::VisitBr(uint32_t depth) {
  Branch(Target(depth));
}

void FunctionCompiler::VisitReturn() {
  Branch(controls_.front());
}

void FunctionCompiler::VisitBrIf(uint32_t depth) {
  Control& target = Target(depth);
  const FlagTest test = PopCondition();
  MarkReached(target);
  Label& label = labels_[target.label];
  const uint32_t count = target.branch_count();
  if (count == 0) {
    JumpIf(test, label);
    return;
  }
  if (target.branch_in_register()) {
    const ValueKind kind = target.ResultKind(0);
    if (IsVector(kind)) {
      stack_.PopXmmInto(kResultXmm);
      stack_.PushXmm(kind, kResultXmm);
    } else {
      stack_.PopGprInto(kResultGpr);
      stack_.PushGpr(kind, kResultGpr);
    }
    JumpIf(test, label);
    return;
  }
  stack_.FlushTop(count);
  if (HomesAgree(target)) {
    JumpIf(test, label);
    return;
  }
  Label over;
  JumpIf(test.Opposite(), over);
  CopyToHomes(target);
  assembler_.Jmp(label);
  assembler_.Bind(over);
}

// The label a jump table uses for a target: its own, or that of a stub that moves the values first.
uint32_t FunctionCompiler::LabelForTable(Control& target) {
  MarkReached(target);
  const bool needs_stub =
      target.branch_count() != 0 && !target.branch_in_register() && !HomesAgree(target);
  if (!needs_stub) return target.label;
  if (target.stub_table != table_serial_) {
    target.stub_table = table_serial_;
    target.stub_label = NewLabel();
  }
  return target.stub_label;
}

void FunctionCompiler::SwitchBySteps(Gpr index, wasm::BrTableReader targets) {
  const uint32_t count = targets.count();
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t label = LabelForTable(Target(targets.Next()));
    assembler_.Arithmetic(ArithmeticOp::kCmp, Width::k32, index, static_cast<int32_t>(i));
    assembler_.Jcc(Condition::kEqual, labels_[label]);
  }
  assembler_.Jmp(labels_[LabelForTable(Target(targets.Next()))]);
}

void FunctionCompiler::VisitBrTable(wasm::BrTableReader targets) {
  const uint32_t case_count = targets.count();
  ++table_serial_;
  // All targets take as many values.  Everything but those and the index is dead now.
  const Gpr index = Gpr::kRcx;
  stack_.PopGprInto(index);
  wasm::BrTableReader scan = targets;
  const Control& first = Target(scan.Next());
  const uint32_t value_count = first.branch_count();
  // One value: to the register for targets that want it there, and home for loops.
  bool some_in_register = false;
  bool some_at_home = value_count > 1;
  if (value_count == 1) {
    wasm::BrTableReader all = targets;
    for (uint32_t i = 0; i <= case_count; ++i) {
      (Target(all.Next()).branch_in_register() ? some_in_register : some_at_home) = true;
    }
  }
  if (some_at_home) stack_.FlushTop(value_count);
  if (some_in_register) {
    const uint32_t top = stack_.height() - 1;
    if (IsVector(stack_.At(top).kind)) {
      stack_.LoadEntry(top, kResultXmm);
    } else {
      stack_.LoadEntry(top, kResultGpr);
    }
  }

  if (case_count <= kSteppedCasesMax) {
    SwitchBySteps(index, targets);
  } else {
    // Clamped, not only compared: a mispredicted index must not reach beyond the table.
    assembler_.MovImm(kScratch, case_count);
    assembler_.Arithmetic(ArithmeticOp::kCmp, Width::k32, index, kScratch);
    assembler_.Cmov(Condition::kAboveEqual, Width::k32, index, kScratch);
    JumpTable table;
    table.first_target = static_cast<uint32_t>(jump_targets_.size());
    table.count = case_count + 1;
    wasm::BrTableReader all = targets;
    for (uint32_t i = 0; i <= case_count; ++i) {
      jump_targets_.push_back(LabelForTable(Target(all.Next())));
    }
    assembler_.LeaLabel(kScratch, table.start);
    assembler_.Movsxd(index, Mem::Indexed(kScratch, index, 2));
    assembler_.Arithmetic(ArithmeticOp::kAdd, Width::k64, index, kScratch);
    assembler_.Jmp(index);
    jump_tables_.push_back(table);
  }

  // The stubs.
  if (some_at_home) {
    for (uint32_t i = 0; i <= case_count; ++i) {
      Control& target = Target(targets.Next());
      if (target.stub_table != table_serial_ || labels_[target.stub_label].bound()) continue;
      assembler_.Bind(labels_[target.stub_label]);
      CopyToHomes(target);
      assembler_.Jmp(labels_[target.label]);
    }
  }
  live_ = false;
}

// ---- Parametric
// -----------------------------------------------------------------------------------

void FunctionCompiler::VisitDrop() {
  stack_.Drop();
}

void FunctionCompiler::VisitSelect() {
  SelectBetween(stack_.FromTop(1).kind);
}
void FunctionCompiler::VisitSelectTyped(wasm::ValueType type) {
  SelectBetween(type.kind());
}

// Holds if two floats were equal and ordered (or not so): two tests, made one.
FlagTest FunctionCompiler::PlainTest(FlagTest test) {
  if (test.form == FlagTest::Form::kPlain) return test;
  const bool equal = test.form == FlagTest::Form::kFloatEqual;
  const Gpr reg = stack_.NewGpr();
  assembler_.Set(equal ? Condition::kNoParity : Condition::kParity, kScratch);
  assembler_.Set(equal ? Condition::kEqual : Condition::kNotEqual, reg);
  assembler_.Arithmetic(equal ? ArithmeticOp::kAnd : ArithmeticOp::kOr, Width::k32, reg, kScratch);
  assembler_.Test(Width::k32, reg, 1);
  return {Condition::kNotEqual};
}

// Pops the condition, then b, then a; pushes a if the condition holds, else b.
void FunctionCompiler::SelectBetween(ValueKind kind) {
  const FlagTest test = PlainTest(PopCondition());
  if (IsVector(kind)) {
    const Xmm b = stack_.PopXmm();
    const Xmm a = stack_.PopOwnedXmm();
    const x64::ShortJump keep = assembler_.JccShort(test.condition);
    assembler_.Movap(a, b);
    assembler_.Bind(keep);
    stack_.PushXmm(kind, a);
    return;
  }
  const GprOperand b = stack_.TopIsConstant()
                           ? GprOperand{GprOperand::Form::kRegister, stack_.PopGpr()}
                           : stack_.PopGprOperand();
  const Gpr a = stack_.PopOwnedGpr();
  const Width w = WidthOf(kind);
  if (b.is_register()) {
    assembler_.Cmov(x64::Opposite(test.condition), w, a, b.reg);
  } else {
    assembler_.Cmov(x64::Opposite(test.condition), w, a, b.mem());
  }
  stack_.PushGpr(kind, a);
}

}  // namespace tidepool::engine::baseline
