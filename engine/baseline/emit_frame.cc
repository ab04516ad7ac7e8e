// Prologue and epilogue: the frame, the parameters, zeroed locals.
//
// The prologue is generated when the body is known: it saves only what the body uses, and knows
// the frame's size.  It leaves parameter registers as they are where the body found them cached.
#include <algorithm>
#include <array>

#include "engine/baseline/function_compiler.h"

namespace tidepool::engine::baseline {

using abi::Location;
using abi::RegisterClass;
using wasm::ValueKind;
using x64::ArithmeticOp;
using x64::Condition;
using x64::Gpr;
using x64::GprSet;
using x64::Label;
using x64::Mem;
using x64::Precision;
using x64::Width;
using x64::Xmm;

namespace thread_control = abi::thread_control;

namespace {

constexpr GprSet kCalleeSaved = GprSet::Of(Gpr::kRbx, Gpr::kR12, Gpr::kR13, Gpr::kR14, Gpr::kR15);
// More than so many at once are handled by a loop.
constexpr uint32_t kUnrolledMax = 16;

RegisterClass ClassOf(ValueKind kind) {
  return IsVector(kind) ? RegisterClass::kVector : RegisterClass::kInteger;
}

Gpr IntegerParameter(uint32_t ordinal) {
  return static_cast<Gpr>(abi::kIntegerParameterRegisters[ordinal]);
}

}  // namespace

uint32_t FunctionCompiler::FrameBytes() const {
  const uint64_t bytes = kFixedFrameBytes + uint64_t{kSlotBytes} * stack_.slots_max();
  return static_cast<uint32_t>((bytes + 15) & ~uint64_t{15});
}

// A function that calls nothing and has a small frame cannot be how a stack overflows: its caller
// was checked, and below the limit there is room for it.  Loops check by themselves; tail calls can
// make a loop of functions.
bool FunctionCompiler::NeedsStackCheck() const {
  return plan_.has_calls || plan_.has_tail_calls || FrameBytes() > abi::kUncheckedFrameBytes;
}

GprSet FunctionCompiler::SavedRegisters() const {
  GprSet saved = plan_.pinned_gprs & kCalleeSaved;
  if (plan_.uses_memory0) saved.Add(kMemoryBase);
  return saved;
}

// Parameters that live at home are stored there, but still are in their registers at the start.
void FunctionCompiler::CacheParameters() {
  LocalTable& locals = stack_.locals();
  if (uses_vm_context_ && locals.vm_context().pinned == kNoRegister) {
    stack_.gprs().Cache(Gpr::kRdi, locals.vm_context());
  }
  abi::ParameterAssigner assigner;
  for (uint32_t i = 0; i < type_->params.size(); ++i) {
    const ValueKind kind = type_->params[i].kind();
    const Location location = assigner.Next(ClassOf(kind));
    if (location.kind == Location::Kind::kArgumentArea) continue;
    LocalState& state = locals.Touch(i);
    if (state.pinned != kNoRegister || state.weight == 0) continue;
    if (location.kind == Location::Kind::kVectorRegister) {
      stack_.xmms().Cache(static_cast<Xmm>(location.number), state);
    } else if (const Gpr reg = IntegerParameter(location.number);
               stack_.gprs().allocatable.Has(reg)) {
      stack_.gprs().Cache(reg, state);
    }
  }
  // A loop that copies many parameters needs registers.
  if (assigner.area_slots() > kUnrolledMax) stack_.ForgetCaches();
}

void FunctionCompiler::EmitPrologue() {
  const uint32_t frame_bytes = FrameBytes();
  prologue_.Push(Gpr::kRbp);
  prologue_.Mov(Width::k64, Gpr::kRbp, Gpr::kRsp);
  // The slow path lies behind the body; the prologue's length, which the jump there spans, is
  // known when it is done.
  uint32_t jump_field = 0;
  if (NeedsStackCheck()) {
    if (frame_bytes <= abi::kUncheckedFrameBytes) {
      prologue_.Arithmetic(
          ArithmeticOp::kCmp, Width::k64, Gpr::kRsp, Mem::Gs(thread_control::kStackLimit));
    } else {
      prologue_.Lea(Width::k64, Gpr::kRax, Mem::At(Gpr::kRsp, -static_cast<int32_t>(frame_bytes)));
      prologue_.Arithmetic(
          ArithmeticOp::kCmp, Width::k64, Gpr::kRax, Mem::Gs(thread_control::kStackLimit));
    }
    jump_field = prologue_.JccRel32(Condition::kBelow);
  }
  const uint32_t resume = prologue_.offset();
  prologue_.Arithmetic(
      ArithmeticOp::kSub, Width::k64, Gpr::kRsp, static_cast<int32_t>(frame_bytes));
  int32_t place = kSavedRegisters;
  for (GprSet saved = SavedRegisters(); !saved.empty(); place -= 8) {
    prologue_.Mov(Width::k64, FrameMem(place), saved.TakeFirst());
  }
  const LocalState& context = stack_.locals().vm_context();
  if (uses_vm_context_) prologue_.Mov(Width::k64, FrameMem(kVmContextHome), Gpr::kRdi);
  if (context.pinned != kNoRegister) {
    // Before parameters move: no parameter is in a register that pins the context, except r8 to
    // r10, which are handled with them.
    pinned_context_late_ = !kCalleeSaved.Has(static_cast<Gpr>(context.pinned));
    if (!pinned_context_late_) {
      prologue_.Mov(Width::k64, static_cast<Gpr>(context.pinned), Gpr::kRdi);
    }
  }
  if (plan_.uses_memory0) {
    prologue_.Mov(Width::k64, kMemoryBase, Mem::At(Gpr::kRdi, abi::vmctx::kMemory0Base));
  }
  EmitParameters();
  EmitZeroedLocals();

  if (jump_field != 0) {
    const uint32_t slow = prologue_.offset() + assembler_.offset();
    prologue_.PatchRel32(jump_field, static_cast<int32_t>(slow));
    if (context_.options.address_map) {
      chunk_->address_map.push_back({assembler_.offset(), body_offset_});
    }
    assembler_.Lea(Width::k64, Gpr::kRax, Mem::At(Gpr::kRsp, -static_cast<int32_t>(frame_bytes)));
    assembler_.Call(Mem::Gs(thread_control::kStackCheck));
    const uint32_t field = assembler_.JmpRel32();
    assembler_.PatchRel32(field, static_cast<int32_t>(resume - prologue_.offset()));
  }
}

// Parameters from where the convention has them to where the body wants them.
void FunctionCompiler::EmitParameters() {
  struct Pending {
    Gpr to;
    Gpr from;
  };
  std::array<Pending, abi::kIntegerParameterCount + 1> pending;
  size_t pending_count = 0;
  LocalTable& locals = stack_.locals();
  if (pinned_context_late_) {
    pending[pending_count++] = {static_cast<Gpr>(locals.vm_context().pinned), Gpr::kRdi};
    pinned_context_late_ = false;
  }
  abi::ParameterAssigner assigner;
  for (uint32_t i = 0; i < type_->params.size(); ++i) {
    const ValueKind kind = type_->params[i].kind();
    const Location location = assigner.Next(ClassOf(kind));
    if (location.kind == Location::Kind::kArgumentArea) continue;
    const LocalState& state = locals.Touch(i);
    if (state.weight == 0) continue;  // Never looked at.
    if (location.kind == Location::Kind::kVectorRegister) {
      const Xmm from = static_cast<Xmm>(location.number);
      if (state.pinned != kNoRegister) {
        prologue_.Movap(static_cast<Xmm>(state.pinned), from);
      } else if (kind == ValueKind::kV128) {
        prologue_.Movup(FrameMem(state.home), from);
      } else {
        prologue_.Movs(kind == ValueKind::kF32 ? Precision::kSingle : Precision::kDouble,
                       FrameMem(state.home),
                       from);
      }
    } else if (state.pinned == kNoRegister) {
      prologue_.Mov(WidthOf(kind), FrameMem(state.home), IntegerParameter(location.number));
    } else {
      pending[pending_count++] = {static_cast<Gpr>(state.pinned),
                                  IntegerParameter(location.number)};
    }
  }
  // A move may go once nothing waits to be read from its target; r8 and r9 may want to change
  // places, through the scratch register.
  while (pending_count > 0) {
    size_t ready = pending_count;
    for (size_t i = 0; i < pending_count && ready == pending_count; ++i) {
      bool wanted = false;
      for (size_t k = 0; k < pending_count; ++k)
        wanted |= k != i && pending[k].from == pending[i].to;
      if (!wanted) ready = i;
    }
    if (ready == pending_count) {
      prologue_.Mov(Width::k64, kScratch, pending[0].from);
      pending[0].from = kScratch;
      continue;
    }
    if (pending[ready].to != pending[ready].from) {
      prologue_.Mov(Width::k64, pending[ready].to, pending[ready].from);
    }
    pending[ready] = pending[--pending_count];
  }
  EmitAreaParameters(assigner.area_slots());
}

void FunctionCompiler::EmitAreaParameters(uint32_t area_slots) {
  if (area_slots == 0) return;
  LocalTable& locals = stack_.locals();
  const Gpr area = kScratch;
  prologue_.Mov(Width::k64, area, Mem::Gs(thread_control::kArgumentArea));
  if (area_slots > kUnrolledMax) {
    // All of them, wanted or not, run by run of neighbours.  Nothing is cached then.
    CopyAreaToHomes();
  }
  abi::ParameterAssigner assigner;
  for (uint32_t i = 0; i < type_->params.size(); ++i) {
    const ValueKind kind = type_->params[i].kind();
    const Location location = assigner.Next(ClassOf(kind));
    if (location.kind != Location::Kind::kArgumentArea) continue;
    if (area_slots > kUnrolledMax && !locals.IsTouched(i)) continue;
    const LocalState& state = locals.Touch(i);
    const Mem slot = Mem::At(area, static_cast<int32_t>(abi::kArgumentSlotBytes * location.number));
    const bool pinned = state.pinned != kNoRegister;
    if (state.weight == 0 || (area_slots > kUnrolledMax && !pinned && kind != ValueKind::kV128))
      continue;
    if (pinned && !IsVector(kind)) {
      prologue_.Mov(WidthOf(kind), static_cast<Gpr>(state.pinned), slot);
    } else if (kind == ValueKind::kV128) {
      prologue_.Movup(kScratchXmm, slot);
      prologue_.Movup(FrameMem(state.home), kScratchXmm);
    } else {
      const Xmm to = pinned ? static_cast<Xmm>(state.pinned) : kScratchXmm;
      prologue_.Movs(Precision::kDouble, to, slot);
      if (!pinned) prologue_.Movs(Precision::kDouble, FrameMem(state.home), to);
    }
  }
}

// Every parameter that travels in the area to its home: neighbours in the area are neighbours in
// the frame, except where a register parameter lies between.
void FunctionCompiler::CopyAreaToHomes() {
  abi::ParameterAssigner assigner;
  uint32_t run_slot = 0;
  uint32_t run_first = 0;
  uint32_t run_count = 0;
  uint32_t slots = 0;
  const auto end_run = [&] {
    if (run_count == 0) return;
    const int32_t home = HomeOfSlot(run_first);
    prologue_.Lea(Width::k64,
                  Gpr::kRsi,
                  Mem::At(kScratch, static_cast<int32_t>(abi::kArgumentSlotBytes * run_slot)));
    prologue_.Zero(Gpr::kRcx);
    Label next;
    prologue_.Bind(next);
    prologue_.Mov(Width::k64, Gpr::kRdx, Mem::At(Gpr::kRsi));
    prologue_.Mov(Width::k64, Mem::Indexed(Gpr::kRbp, Gpr::kRcx, 3, home), Gpr::kRdx);
    prologue_.Arithmetic(ArithmeticOp::kAdd, Width::k64, Gpr::kRsi, abi::kArgumentSlotBytes);
    prologue_.Arithmetic(ArithmeticOp::kSub, Width::k64, Gpr::kRcx, 1);
    prologue_.Arithmetic(
        ArithmeticOp::kCmp, Width::k64, Gpr::kRcx, -static_cast<int32_t>(run_count));
    prologue_.Jcc(Condition::kNotEqual, next);
    run_count = 0;
  };
  for (const wasm::ValueType param : type_->params) {
    const Location location = assigner.Next(ClassOf(param.kind()));
    const bool single = param.kind() != ValueKind::kV128;
    if (location.kind != Location::Kind::kArgumentArea || !single) {
      end_run();
    } else {
      if (run_count == 0) {
        run_slot = location.number;
        run_first = slots;
      }
      ++run_count;
    }
    slots += SlotsOf(param.kind());
  }
  end_run();
}

void FunctionCompiler::EmitZeroedLocals() {
  LocalTable& locals = stack_.locals();
  uint32_t count = 0;
  int32_t lowest = 0;
  int32_t highest = INT32_MIN;
  for (const uint32_t local : locals.touched()) {
    const LocalState& state = locals.Touch(local);
    if (!state.needs_zero) continue;
    if (state.pinned == kNoRegister) {
      ++count;
      lowest = std::min(lowest, state.home);
      highest =
          std::max(highest, state.home + static_cast<int32_t>(kSlotBytes * SlotsOf(state.kind)));
    } else if (IsVector(state.kind)) {
      prologue_.Zero(static_cast<Xmm>(state.pinned));
    } else {
      prologue_.Zero(static_cast<Gpr>(state.pinned));
    }
  }
  if (count == 0) return;
  if (count <= kUnrolledMax) {
    prologue_.Zero(Gpr::kRax);
    for (const uint32_t local : locals.touched()) {
      const LocalState& state = locals.Touch(local);
      if (!state.needs_zero || state.pinned != kNoRegister) continue;
      prologue_.Mov(Width::k64, FrameMem(state.home), Gpr::kRax);
      if (state.kind == ValueKind::kV128)
        prologue_.Mov(Width::k64, FrameMem(state.home + 8), Gpr::kRax);
    }
    return;
  }
  // All homes between the outermost ones: locals there that were given values are parameters, which
  // lie apart above, or are set before they are read.
  prologue_.Zero(kScratchXmm);
  prologue_.Lea(Width::k64, kScratch, FrameMem(lowest));
  prologue_.Lea(Width::k64, Gpr::kRax, FrameMem(highest));
  Label next;
  prologue_.Bind(next);
  prologue_.Movs(Precision::kDouble, Mem::At(kScratch), kScratchXmm);
  prologue_.Arithmetic(ArithmeticOp::kAdd, Width::k64, kScratch, kSlotBytes);
  prologue_.Arithmetic(ArithmeticOp::kCmp, Width::k64, kScratch, Gpr::kRax);
  prologue_.Jcc(Condition::kBelow, next);
}

void FunctionCompiler::LeaveFrame() {
  int32_t place = kSavedRegisters;
  for (GprSet saved = SavedRegisters(); !saved.empty(); place -= 8) {
    assembler_.Mov(Width::k64, saved.TakeFirst(), FrameMem(place));
  }
  assembler_.Leave();
}

// Behind the body: results from where branches to the function's label leave them.
void FunctionCompiler::EmitEpilogue() {
  if (!live_) return;
  const size_t count = type_->results.size();
  if (count > 1) EmitResults();
  LeaveFrame();
  assembler_.Ret();
}

void FunctionCompiler::EmitResults() {
  abi::ResultAssigner assigner;
  AreaRun run;
  uint32_t slots = stack_.SlotsBelow(0);
  bool area_read = false;
  int32_t gpr_home = 0;
  int32_t xmm_home = 0;
  ValueKind xmm_kind = ValueKind::kF64;
  for (const wasm::ValueType result : type_->results) {
    const ValueKind kind = result.kind();
    slots += SlotsOf(kind);
    const int32_t home = HomeOfSlot(slots - 1);
    const Location location = assigner.Next(ClassOf(kind));
    if (location.kind == Location::Kind::kIntegerRegister) {
      gpr_home = home;
    } else if (location.kind == Location::Kind::kVectorRegister) {
      xmm_home = home;
      xmm_kind = kind;
    } else {
      if (!area_read) assembler_.Mov(Width::k64, kScratch, Mem::Gs(thread_control::kArgumentArea));
      area_read = true;
      if (kind == ValueKind::kV128) {
        assembler_.Movup(kScratchXmm, FrameMem(home));
        assembler_.Movup(
            Mem::At(kScratch, static_cast<int32_t>(abi::kArgumentSlotBytes * location.number)),
            kScratchXmm);
      } else {
        AddToRun(run, location.number, home, /*to_area=*/true);
      }
    }
  }
  EndRun(run);
  if (gpr_home != 0) stack_.LoadHome(ValueKind::kI64, Gpr::kRax, gpr_home);
  if (xmm_home != 0) stack_.LoadHome(xmm_kind, Xmm::k0, xmm_home);
}

}  // namespace tidepool::engine::baseline
