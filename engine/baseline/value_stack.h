// ValueStack: the operand stack at compile time, and with it the registers and locals: where each
// value is, and the moves that bring it where an operator wants it.
//
// Shape    An entry is in a register, a constant, a local that has not been read yet, in its home
//          in the frame, or (only until the next operator) in the flags.  Every entry has a home;
//          all entries below flushed() are at home.
// Life     Pop… takes the top and locks its register until the next BeginOperator; Push… gives a
//          register to the new top.  So within one operator popped registers stay what they are.
// Flags    No Pop, New or Flush changes the flags: comparisons stay usable across them.
// Threads  One thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/baseline/frame.h"
#include "engine/baseline/local_table.h"
#include "engine/baseline/register_file.h"
#include "engine/wasm/types.h"
#include "engine/x64/assembler.h"

namespace tidepool::engine::baseline {

// A condition on the flags.  Equality of floats needs two tests, because of NaN.
struct FlagTest {
  enum class Form : uint8_t { kPlain, kFloatEqual, kFloatNotEqual };
  x64::Condition condition = x64::Condition::kNotEqual;
  Form form = Form::kPlain;

  constexpr FlagTest Opposite() const {
    switch (form) {
      case Form::kFloatEqual:
        return {condition, Form::kFloatNotEqual};
      case Form::kFloatNotEqual:
        return {condition, Form::kFloatEqual};
      default:
        return {x64::Opposite(condition), Form::kPlain};
    }
  }
};

struct Value {
  enum class Where : uint8_t { kHome, kRegister, kConstant, kLocal, kFlags };
  wasm::ValueKind kind = wasm::ValueKind::kI32;
  Where where = Where::kHome;
  uint8_t reg = kNoRegister;
  FlagTest::Form flag_form{};  // kFlags.
  uint32_t slots_end = 0;      // Slots of the frame up to and with this entry's home.
  union {
    uint64_t constant = 0;  // Bits; an i32 or f32 zero-extended.
    struct {
      uint32_t local;
      int32_t previous_reference;  // Next lower entry for the same local, or -1.
    };
    x64::Condition condition;  // kFlags.
  };
};

// Second operand of an integer instruction.
struct GprOperand {
  enum class Form : uint8_t { kRegister, kMemory, kImmediate };
  Form form = Form::kRegister;
  x64::Gpr reg{};
  int32_t value = 0;  // The immediate, or the home.

  bool is_register() const { return form == Form::kRegister; }
  bool is_immediate() const { return form == Form::kImmediate; }
  x64::Mem mem() const { return FrameMem(value); }
};
struct XmmOperand {
  bool is_register = true;
  x64::Xmm reg{};
  int32_t home = 0;
  x64::Mem mem() const { return FrameMem(home); }
};

class ValueStack {
 public:
  explicit ValueStack(x64::Assembler& assembler) : assembler_(assembler) {}

  // Locals must be complete in locals().
  void BeginFunction(x64::GprSet allocatable_gprs, x64::XmmSet allocatable_xmms);
  void BeginOperator() { gprs_.locked = {}, xmms_.locked = {}; }

  LocalTable& locals() { return locals_; }
  RegisterFile<x64::Gpr>& gprs() { return gprs_; }
  RegisterFile<x64::Xmm>& xmms() { return xmms_; }
  uint32_t height() const { return static_cast<uint32_t>(values_.size()); }
  const Value& FromTop(uint32_t depth) const { return values_[values_.size() - 1 - depth]; }
  const Value& At(uint32_t index) const { return values_[index]; }
  // The most slots that locals and operands ever took.
  uint32_t slots_max() const { return slots_max_; }

  // ---- Push ----
  void PushGpr(wasm::ValueKind kind, x64::Gpr reg);
  void PushXmm(wasm::ValueKind kind, x64::Xmm reg);
  void PushConstant(wasm::ValueKind kind, uint64_t bits) {
    New(kind, Value::Where::kConstant).constant = bits;
  }
  void PushLocal(uint32_t local);
  void PushHome(wasm::ValueKind kind);
  void PushFlags(FlagTest test);

  // ---- Pop.  "Owned": may be overwritten. ----
  x64::Gpr PopGpr();
  x64::Gpr PopOwnedGpr();
  void PopGprInto(x64::Gpr reg);
  GprOperand PopGprOperand();
  // Into a register that is not allocatable, or was locked before: nothing is moved away.
  void PopGprTo(x64::Gpr reg);
  x64::Xmm PopXmm();
  x64::Xmm PopOwnedXmm();
  void PopXmmInto(x64::Xmm reg);
  void PopXmmTo(x64::Xmm reg);
  XmmOperand PopXmmOperand();
  bool TopIsConstant() const { return values_.back().where == Value::Where::kConstant; }
  uint64_t PopConstant();
  // True if the top is in a register of its own.
  bool TopIsOwned() const;
  // True if the register that PopGpr or PopXmm will give may be overwritten.
  bool TopIsOverwritable() const {
    return TopIsOwned() || (FromTop(0).where != Value::Where::kLocal &&
                            FromTop(0).where != Value::Where::kRegister);
  }
  bool TopIsFlags() const { return values_.back().where == Value::Where::kFlags; }
  FlagTest PopFlags();
  // Exchanges the two topmost entries, of one kind, if the lower is a constant and that takes no
  // code; true if it did.
  bool SwapConstantToTop();
  void Drop();
  // Drops entries without code, down to a height.
  void Truncate(uint32_t height);

  // ---- Registers for the running operator ----
  x64::Gpr NewGpr() { return NewRegister(gprs_); }
  x64::Xmm NewXmm() { return NewRegister(xmms_); }
  // Makes this register free and locks it.  Not one that is locked.
  void Take(x64::Gpr reg) { TakeRegister(gprs_, reg); }
  void Take(x64::Xmm reg) { TakeRegister(xmms_, reg); }
  void Lock(x64::Gpr reg) { gprs_.locked.Add(reg); }

  // ---- Locals ----
  // A register that holds the context pointer; locked.
  x64::Gpr VmContextGpr();
  // The top into the local; `keep`: the value stays on the stack.
  void SetLocal(uint32_t local, bool keep);
  // Entries that stand for the local get its value before it changes.
  void Detach(LocalState& local);

  // ---- Whole stack ----
  // All entries to their homes.
  void Flush();
  // The top `count` entries only.
  void FlushTop(uint32_t count);
  // Registers of entries below `height` to their homes, as a call destroys them.
  void SpillBelow(uint32_t height);
  void ForgetCaches() { gprs_.ForgetAll(), xmms_.ForgetAll(); }

  // ---- Single moves, also used by calls ----
  int32_t HomeOf(uint32_t index) const { return HomeOfSlot(values_[index].slots_end - 1); }
  // Slots below the entry at `index`, or below the next one to be pushed.
  uint32_t SlotsBelow(uint32_t index) const {
    return index == 0 ? locals_.slots() : values_[index - 1].slots_end;
  }
  void LoadEntry(uint32_t index, x64::Gpr to);
  void LoadEntry(uint32_t index, x64::Xmm to);
  // The register the entry can be read from, or kNoRegister.
  uint8_t RegisterOf(const Value& value);
  void LoadHome(wasm::ValueKind kind, x64::Gpr to, int32_t home) {
    assembler_.Mov(WidthOf(kind), to, FrameMem(home));
  }
  void LoadHome(wasm::ValueKind kind, x64::Xmm to, int32_t home);
  void StoreHome(wasm::ValueKind kind, int32_t home, x64::Xmm from);
  void MoveConstant(x64::Xmm to, uint64_t bits);
  void StoreConstant(wasm::ValueKind kind, int32_t home, uint64_t bits);

 private:
  Value& New(wasm::ValueKind kind, Value::Where where);
  // Removes the top; what it said.  A register stays locked.
  Value Remove();
  void Store(uint32_t index);
  void Unlink(const Value& value) {
    locals_.Touch(value.local).last_reference = value.previous_reference;
  }
  template <typename Register>
  Register NewRegister(RegisterFile<Register>& file);
  template <typename Register>
  void TakeRegister(RegisterFile<Register>& file, Register reg);
  template <typename Register>
  bool CopyToUnused(RegisterFile<Register>& file, uint32_t index);
  void Move(x64::Gpr to, x64::Gpr from) { assembler_.Mov(x64::Width::k64, to, from); }
  void Move(x64::Xmm to, x64::Xmm from) { assembler_.Movap(to, from); }
  x64::Gpr ReadLocal(LocalState& local);
  x64::Xmm ReadLocalXmm(LocalState& local);
  void MaterializeFlags(FlagTest test, x64::Gpr to);
  void SetPinned(LocalState& state, const Value& value);
  void SetAtHome(LocalState& state, const Value& value);

  x64::Assembler& assembler_;
  LocalTable locals_;
  RegisterFile<x64::Gpr> gprs_;
  RegisterFile<x64::Xmm> xmms_;
  std::vector<Value> values_;
  uint32_t flushed_ = 0;
  uint32_t slots_max_ = 0;
};

}  // namespace tidepool::engine::baseline
