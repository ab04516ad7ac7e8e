// FunctionCompiler turns one function body into machine code, in one pass over its operators.
//
// Shape    Body first, then what lies out of line (traps, interrupts, jump tables), then the
//          prologue, which depends on all of it; they are joined with the prologue in front.
//          Methods Visit… are one per operator, grouped in emit_*.cc.
// Life     One compiler serves many functions, and keeps its memory between them.
// Errors   ResourceExhausted when the code of a function passes 1 GiB.
// Threads  One thread at a time.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "absl/status/status.h"

#include "engine/abi/calling_convention.h"
#include "engine/abi/thread_control.h"
#include "engine/abi/trap_code.h"
#include "engine/baseline/code_chunk.h"
#include "engine/baseline/control.h"
#include "engine/baseline/local_plan.h"
#include "engine/baseline/module_context.h"
#include "engine/baseline/out_of_line.h"
#include "engine/baseline/value_stack.h"
#include "engine/wasm/function_body.h"
#include "engine/x64/assembler.h"

namespace tidepool::engine::baseline {

class FunctionCompiler {
 public:
  static constexpr wasm::FeatureBits kFeatures =
      wasm::FeatureBit(wasm::Feature::kCore) | wasm::FeatureBit(wasm::Feature::kTailCall);

  explicit FunctionCompiler(const ModuleContext& context)
      : context_(context), module_(context.module), stack_(assembler_) {}

  // Appends a defined function to `chunk`.
  absl::Status Compile(wasm::FunctionIndex function, CodeChunk& chunk);

  // ---- The visitor (BodyVisitor calls it) ----
  bool live() const { return live_; }
  void BeginOperator(uint32_t offset) {
    operator_offset_ = offset;
    stack_.BeginOperator();
  }
#define TP_DECLARE_Core(name, immediate) void Visit##name(TP_PARAMETERS_##immediate);
#define TP_DECLARE_TailCall(name, immediate) void Visit##name(TP_PARAMETERS_##immediate);
#define TP_DECLARE_Simd(name, immediate)
#define TP_DECLARE_RelaxedSimd(name, immediate)
#define TP_DECLARE_FunctionReferences(name, immediate)
#define TP_DECLARE_Gc(name, immediate)
#define TP_DECLARE_Exceptions(name, immediate)
#define TP_DECLARE_Threads(name, immediate)
#define TP_DECLARE_WideArithmetic(name, immediate)
#define TP_OPCODE(code, name, text, immediate, signature, feature) \
  TP_DECLARE_##feature(name, immediate)
#include "engine/wasm/opcodes.def"
#undef TP_OPCODE

 private:
  enum class Division : uint8_t { kDivS, kDivU, kRemS, kRemU };
  enum class LoadForm : uint8_t { k8S, k8U, k16S, k16U, k32S, k32, k64 };

  // ---- function_compiler.cc ----
  void BeginFunction(wasm::FunctionIndex function, CodeChunk& chunk);
  void EmitOutOfLine();
  void EmitJumpTables();
  void Join();

  uint32_t wasm_offset() const {
    return body_offset_ + operator_offset_;
  }
  // The code that follows belongs to the current operator, which may trap or call.
  void NoteAddress();
  // Leaves for a trap if the condition holds.
  void TrapIf(x64::Condition condition, TrapCode code);
  void TrapAlways(TrapCode code);
  void CheckInterrupt();

  // ---- emit_frame.cc ----
  uint32_t FrameBytes() const;
  bool NeedsStackCheck() const;
  x64::GprSet SavedRegisters() const;
  void CacheParameters();
  void EmitPrologue();
  void EmitParameters();
  void EmitAreaParameters(uint32_t area_slots);
  void CopyAreaToHomes();
  void EmitZeroedLocals();
  void EmitEpilogue();
  void EmitResults();
  // Restores what the caller owns; only `ret` or a jump may follow.
  void LeaveFrame();

  // ---- What comes next decides where a result goes ----
  // The operator behind this one, which has `immediates` LEB128 immediates.
  const uint8_t* NextOperator(uint32_t immediates) const;
  bool NextUsesFlags() const;
  // If it is local.set or .tee of a pinned local, the register of that; else kNoRegister.
  uint8_t PinnedTarget(uint32_t immediates, bool vector);
  // Where to compute a result: the pinned target, or `reusable`, or a new register.
  x64::Gpr ResultGpr(uint32_t immediates = 0, uint8_t reusable = kNoRegister);
  x64::Xmm ResultXmm(uint32_t immediates = 0, uint8_t reusable = kNoRegister);
  void PushComparison(FlagTest test);

  // ---- emit_control.cc ----
  uint32_t NewLabel();
  void PushControl(Control::Kind kind, wasm::BlockType type);
  FlagTest PopCondition();
  void JumpIf(FlagTest test, x64::Label& label);
  void MarkReached(Control& control) {
    control.reached = true;
  }
  Control& Target(uint32_t depth) {
    return controls_[controls_.size() - 1 - depth];
  }
  void Branch(Control& target);
  void MoveBranchValues(const Control& target);
  bool HomesAgree(const Control& target) const;
  void CopyToHomes(const Control& target);
  void BeginElse(Control& control);
  void SwitchBySteps(x64::Gpr index, wasm::BrTableReader targets);
  uint32_t LabelForTable(Control& target);
  FlagTest PlainTest(FlagTest test);
  void SelectBetween(wasm::ValueKind kind);

  // ---- emit_integer.cc ----
  void Binary(wasm::ValueKind kind, x64::ArithmeticOp op);
  void ApplyArithmetic(x64::ArithmeticOp op, x64::Width w, x64::Gpr to, const GprOperand& operand);
  void AddInto(wasm::ValueKind kind);
  void Subtract(wasm::ValueKind kind);
  void Multiply(wasm::ValueKind kind);
  void Divide(wasm::ValueKind kind, Division division);
  bool DivideByConstant(wasm::ValueKind kind, Division division);
  void CheckedIdiv(x64::Width w, Division division, x64::Gpr divisor);
  void Shift(wasm::ValueKind kind, x64::ShiftOp op);
  void Compare(wasm::ValueKind kind, x64::Condition condition);
  void CompareZero(wasm::ValueKind kind);
  void CountZeros(wasm::ValueKind kind, bool leading);
  void PopulationCount(wasm::ValueKind kind);
  void ExtendSign(wasm::ValueKind from, wasm::ValueKind to, uint32_t bits);

  // ---- emit_float.cc, emit_conversion.cc ----
  void FloatBinary(x64::Precision p, x64::FloatOp op);
  void FloatUnary(x64::Precision p, x64::FloatOp op);
  void FloatCompare(x64::Precision p, FlagTest test, bool swap);
  void FloatSign(x64::Precision p, bool negate);
  void FloatRound(x64::Precision p, x64::Rounding mode);
  void FloatMinMax(x64::Precision p, bool is_max);
  void FloatCopysign(x64::Precision p);
  void TakeLowHalf(wasm::ValueKind kind);
  void LoadFloatConstant(x64::Precision p, x64::Xmm to, double value);
  void TrapUnconvertible(x64::Precision p, x64::Xmm from);
  void TruncateTo32(x64::Precision p, x64::Gpr to, x64::Xmm from, bool is_signed);
  void Truncate(x64::Precision p, wasm::ValueKind kind, bool is_signed);
  void TruncateToU64(x64::Precision p, bool saturate);
  void TruncateSaturated(x64::Precision p, wasm::ValueKind kind, bool is_signed);
  void ConvertSigned(x64::Width w, x64::Precision p);
  void ConvertU64(x64::Precision p);
  void ConvertPrecision(x64::Precision from_precision);
  void ReinterpretFloat(wasm::ValueKind kind);
  void ReinterpretInt(x64::Precision p);

  // ---- emit_memory.cc ----
  x64::Gpr MemoryBase(uint32_t memory);
  x64::Mem MemoryBytes(uint32_t memory);
  x64::Mem PopAddress(wasm::MemArg access, uint32_t bytes);
  x64::Mem PopCheckedAddress(wasm::MemArg access, uint32_t bytes);
  void NoteAccess() {
    if (access_may_fault_)
      chunk_->trap_sites.push_back({assembler_.offset(), TrapCode::kMemoryOutOfBounds});
  }
  void Load(wasm::MemArg access, wasm::ValueKind kind, LoadForm form);
  void LoadFloat(wasm::MemArg access, x64::Precision p);
  void Store(wasm::MemArg access, uint32_t bytes);
  void StoreFloat(wasm::MemArg access, x64::Precision p);

  // ---- emit_variable.cc ----
  void NoteRead(LocalState& state);
  void NoteWrite(LocalState& state);
  x64::Mem GlobalCell(wasm::GlobalIndex global);

  // ---- emit_call.cc ----
  struct AreaRun {
    uint32_t first_slot = 0;
    int32_t first_home = 0;
    uint32_t count = 0;
    bool to_area = false;
  };
  void BeginCall(uint32_t argument_count);
  void PrepareArguments(const wasm::FunctionType& type);
  void StoreAreaArguments(const wasm::FunctionType& type, uint32_t first_entry);
  void StoreConstantToArea(x64::Mem slot, uint64_t bits);
  void LoadEntryAnyKind(uint32_t entry, x64::Xmm to);
  void LoadArgument(uint32_t entry, x64::Gpr to);
  void MoveRegisterArguments(const wasm::FunctionType& type, uint32_t first_entry);
  void AddToRun(AreaRun& run, uint32_t slot, int32_t home, bool to_area);
  void EndRun(AreaRun& run);
  void FinishCall(const wasm::FunctionType& type);
  void PassVmContext();
  void ResolveIndirect(wasm::TypeIndex type, wasm::TableIndex table);
  void SaveLostLocals();
  void ReloadLostLocals();
  // Calls a builtin with the context, then `constants`, then the top `operand_count` entries, which
  // it pops.  The result, if any, is in rax.
  void CallBuiltin(abi::BuiltinId id,
                   std::initializer_list<uint32_t> constants,
                   uint32_t operand_count);

  // ---- emit_table.cc ----
  bool IsWideTable(wasm::TableIndex table) const;
  x64::Mem TableRecordField(uint32_t table, int32_t field);
  x64::Mem PopTableEntry(wasm::TableIndex table, x64::Mem* record);

  const ModuleContext& context_;
  const wasm::Module& module_;

  // The function being compiled.
  x64::Assembler assembler_;
  ValueStack stack_;
  LocalPlanner planner_;
  LocalPlan plan_;
  const wasm::FunctionType* type_ = nullptr;
  absl::Span<const uint8_t> code_;
  uint32_t body_offset_ = 0;
  uint32_t operator_offset_ = 0;
  bool live_ = true;          // The operators being visited can be reached.
  uint32_t dead_blocks_ = 0;  // Open blocks that began in unreachable code.
  bool access_may_fault_ = false;
  bool uses_vm_context_ = false;
  bool pinned_context_late_ = false;
  uint32_t serial_ = 0;
  uint32_t table_serial_ = 0;
  std::vector<Control> controls_;
  std::vector<x64::Label> labels_;
  std::vector<OutOfLine> out_of_line_;
  std::vector<JumpTable> jump_tables_;
  std::vector<uint32_t> jump_targets_;
  // Where the function goes.  Its entries in the chunk's tables, from those marks on, hold offsets
  // from the body's start until Join.
  CodeChunk* chunk_ = nullptr;
  size_t first_trap_site_ = 0;
  size_t first_address_ = 0;
  size_t first_call_ = 0;
  x64::Assembler prologue_;
};

}  // namespace tidepool::engine::baseline
