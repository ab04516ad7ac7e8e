// Calls: arguments and results by calling_convention.h, direct, imported, indirect, tail, builtin.
#include <array>

#include "engine/baseline/function_compiler.h"

namespace tidepool::engine::baseline {

using abi::Location;
using abi::RegisterClass;
using wasm::FunctionType;
using wasm::ToInt;
using wasm::ValueKind;
using x64::ArithmeticOp;
using x64::Condition;
using x64::Gpr;
using x64::Label;
using x64::Mem;
using x64::Precision;
using x64::Width;
using x64::Xmm;

namespace {

namespace vmctx = abi::vmctx;
namespace thread_control = abi::thread_control;

constexpr Gpr kContextArgument = Gpr::kRdi;
// Holds the callee's FunctionRecord, or code, while arguments move: no argument's register.
constexpr Gpr kCallee = Gpr::kRax;
// From so many values of the argument area on, a loop copies them: code stays in proportion to the
// body's bytes, whatever signatures it names.
constexpr uint32_t kLoopedCopiesMin = 16;

RegisterClass ClassOf(ValueKind kind) {
  return IsVector(kind) ? RegisterClass::kVector : RegisterClass::kInteger;
}

Mem AreaSlot(Gpr area, uint32_t slot) {
  return Mem::At(area, static_cast<int32_t>(abi::kArgumentSlotBytes * slot));
}

// One value on its way to a register; moved from a register if it is in one.
template <typename Register>
struct Move {
  Register to{};
  Register from{};  // in_register only.
  bool in_register = false;
  bool done = false;
  uint32_t entry = 0;
};

// Moves between registers as if at once; `scratch` breaks cycles.
template <typename Register, size_t kCount, typename Emit>
void MoveInParallel(std::array<Move<Register>, kCount>& moves,
                    size_t count,
                    Register scratch,
                    Emit emit) {
  std::array<uint8_t, 16> readers{};
  size_t left = 0;
  for (size_t i = 0; i < count; ++i) {
    Move<Register>& move = moves[i];
    if (!move.in_register || move.from == move.to) {
      move.done = true;
      continue;
    }
    ++readers[Number(move.from)];
    ++left;
  }
  // A register that a finished move keeps is never another's target: targets are distinct.
  while (left > 0) {
    bool progress = false;
    for (size_t i = 0; i < count; ++i) {
      Move<Register>& move = moves[i];
      if (move.done || readers[Number(move.to)] != 0) continue;
      emit(move.to, move.from);
      --readers[Number(move.from)];
      move.done = true;
      progress = true;
      --left;
    }
    if (progress || left == 0) continue;
    for (size_t i = 0; i < count; ++i) {
      if (moves[i].done) continue;
      const Register from = moves[i].from;
      emit(scratch, from);
      for (size_t k = 0; k < count; ++k) {
        if (moves[k].done || moves[k].from != from) continue;
        moves[k].from = scratch;
        --readers[Number(from)];
        ++readers[Number(scratch)];
      }
      break;
    }
  }
}

}  // namespace

// ---- Arguments
// ------------------------------------------------------------------------------------

void FunctionCompiler::SaveLostLocals() {
  for (const uint32_t local : plan_.lost_locals) {
    const LocalState& state = stack_.locals().Touch(local);
    if (IsVector(state.kind)) {
      stack_.StoreHome(state.kind, state.home, static_cast<Xmm>(state.pinned));
    } else {
      assembler_.Mov(WidthOf(state.kind), FrameMem(state.home), static_cast<Gpr>(state.pinned));
    }
  }
}

void FunctionCompiler::ReloadLostLocals() {
  for (const uint32_t local : plan_.lost_locals) {
    const LocalState& state = stack_.locals().Touch(local);
    if (IsVector(state.kind)) {
      stack_.LoadHome(state.kind, static_cast<Xmm>(state.pinned), state.home);
    } else {
      stack_.LoadHome(state.kind, static_cast<Gpr>(state.pinned), state.home);
    }
  }
}

// The top entries into the places where the callee looks for them.  They stay on the value stack.
void FunctionCompiler::PrepareArguments(const FunctionType& type) {
  const uint32_t first_entry = stack_.height() - static_cast<uint32_t>(type.params.size());
  StoreAreaArguments(type, first_entry);
  MoveRegisterArguments(type, first_entry);
}

void FunctionCompiler::StoreAreaArguments(const FunctionType& type, uint32_t first_entry) {
  if (type.params.size() <= abi::kIntegerParameterCount) return;
  abi::ParameterAssigner count;
  for (const wasm::ValueType param : type.params) count.Next(ClassOf(param.kind()));
  if (count.area_slots() == 0) return;
  const bool looped = count.area_slots() >= kLoopedCopiesMin;
  if (looped) stack_.FlushTop(static_cast<uint32_t>(type.params.size()));

  const Gpr area = kScratch;
  assembler_.Mov(Width::k64, area, Mem::Gs(thread_control::kArgumentArea));
  abi::ParameterAssigner assigner;
  AreaRun run;
  for (uint32_t i = 0; i < type.params.size(); ++i) {
    const ValueKind kind = type.params[i].kind();
    const Location location = assigner.Next(ClassOf(kind));
    if (location.kind != Location::Kind::kArgumentArea) continue;
    const uint32_t entry = first_entry + i;
    if (looped && kind != ValueKind::kV128) {
      AddToRun(run, location.number, stack_.HomeOf(entry), /*to_area=*/true);
      continue;
    }
    const uint8_t from = stack_.RegisterOf(stack_.At(entry));
    if (from != kNoRegister && !IsVector(kind)) {
      assembler_.Mov(Width::k64, AreaSlot(area, location.number), static_cast<Gpr>(from));
      continue;
    }
    Xmm value = from != kNoRegister ? static_cast<Xmm>(from) : kScratchXmm;
    if (from == kNoRegister) {
      const Value& at = stack_.At(entry);
      if (at.where == Value::Where::kConstant) {
        StoreConstantToArea(AreaSlot(area, location.number), at.constant);
        continue;
      }
      LoadEntryAnyKind(entry, value);
    }
    if (kind == ValueKind::kV128) {
      assembler_.Movup(AreaSlot(area, location.number), value);
    } else {
      assembler_.Movs(Precision::kDouble, AreaSlot(area, location.number), value);
    }
  }
  EndRun(run);
}

void FunctionCompiler::StoreConstantToArea(Mem slot, uint64_t bits) {
  assembler_.MovImm(Width::k32, slot, static_cast<int32_t>(bits));
  slot.disp += 4;
  assembler_.MovImm(Width::k32, slot, static_cast<int32_t>(bits >> 32));
}

// A value in memory, of any kind, through a vector register: 4 bytes are zero-extended.
void FunctionCompiler::LoadEntryAnyKind(uint32_t entry, Xmm to) {
  const Value& value = stack_.At(entry);
  const int32_t home = value.where == Value::Where::kLocal ? stack_.locals().Touch(value.local).home
                                                           : stack_.HomeOf(entry);
  const bool four_bytes = value.kind == ValueKind::kI32 || value.kind == ValueKind::kF32;
  stack_.LoadHome(four_bytes                       ? ValueKind::kF32
                  : value.kind == ValueKind::kV128 ? value.kind
                                                   : ValueKind::kF64,
                  to,
                  home);
}

void FunctionCompiler::LoadArgument(uint32_t entry, Gpr to) {
  const Value& value = stack_.At(entry);
  if (value.where == Value::Where::kConstant && value.constant == 0) {
    assembler_.Zero(to);  // No comparison is pending at a call.
  } else {
    stack_.LoadEntry(entry, to);
  }
}

void FunctionCompiler::MoveRegisterArguments(const FunctionType& type, uint32_t first_entry) {
  std::array<Move<Gpr>, abi::kIntegerParameterCount> gprs;
  std::array<Move<Xmm>, abi::kVectorParameterCount> xmms;
  size_t gpr_count = 0;
  size_t xmm_count = 0;
  for (uint32_t i = 0; i < type.params.size(); ++i) {
    const uint32_t entry = first_entry + i;
    const uint8_t from = stack_.RegisterOf(stack_.At(entry));
    const bool in_register = from != kNoRegister;
    if (IsVector(type.params[i].kind())) {
      if (xmm_count == abi::kVectorParameterCount) continue;
      Move<Xmm>& move = xmms[xmm_count];
      move.to = static_cast<Xmm>(xmm_count++);
      move.in_register = in_register;
      if (in_register) move.from = static_cast<Xmm>(from);
      move.entry = entry;
    } else {
      if (gpr_count == abi::kIntegerParameterCount) continue;
      Move<Gpr>& move = gprs[gpr_count];
      move.to = static_cast<Gpr>(abi::kIntegerParameterRegisters[gpr_count++]);
      move.in_register = in_register;
      if (in_register) move.from = static_cast<Gpr>(from);
      move.entry = entry;
    }
    if (xmm_count == abi::kVectorParameterCount && gpr_count == abi::kIntegerParameterCount) break;
  }
  MoveInParallel(gprs, gpr_count, kScratch, [this](Gpr to, Gpr from) {
    assembler_.Mov(Width::k64, to, from);
  });
  MoveInParallel(
      xmms, xmm_count, kScratchXmm, [this](Xmm to, Xmm from) { assembler_.Movap(to, from); });
  // What was not in a register reads no register but rbp.
  for (size_t i = 0; i < gpr_count; ++i) {
    if (!gprs[i].in_register) LoadArgument(gprs[i].entry, gprs[i].to);
  }
  for (size_t i = 0; i < xmm_count; ++i) {
    if (!xmms[i].in_register) stack_.LoadEntry(xmms[i].entry, xmms[i].to);
  }
}

// ---- Runs of the argument area
// --------------------------------------------------------------------

// Values whose slots in the area and whose homes are both consecutive are copied together.
void FunctionCompiler::AddToRun(AreaRun& run, uint32_t slot, int32_t home, bool to_area) {
  const bool joins = run.count != 0 && slot == run.first_slot + run.count &&
                     home == run.first_home - static_cast<int32_t>(kSlotBytes * run.count);
  if (!joins) {
    EndRun(run);
    run = {slot, home, 0, to_area};
  }
  ++run.count;
}

// Copies a run; the area's address is in kScratch.  Destroys rcx, rdx and rsi, in which there is no
// value then: arguments are at home, or of the results only rax and xmm0 are taken.
void FunctionCompiler::EndRun(AreaRun& run) {
  const uint32_t count = run.count;
  run.count = 0;
  const Gpr value = Gpr::kRdx;
  const auto copy = [&](Mem slot, Mem home) {
    assembler_.Mov(Width::k64, value, run.to_area ? home : slot);
    assembler_.Mov(Width::k64, run.to_area ? slot : home, value);
  };
  if (count < kLoopedCopiesMin) {
    for (uint32_t i = 0; i < count; ++i) {
      copy(AreaSlot(kScratch, run.first_slot + i),
           FrameMem(run.first_home - static_cast<int32_t>(kSlotBytes * i)));
    }
    return;
  }
  // rcx counts downward, as homes do; rsi walks up the area.
  const Gpr slot = Gpr::kRsi;
  assembler_.Lea(Width::k64, slot, AreaSlot(kScratch, run.first_slot));
  assembler_.Zero(Gpr::kRcx);
  Label next;
  assembler_.Bind(next);
  copy(Mem::At(slot), Mem::Indexed(Gpr::kRbp, Gpr::kRcx, 3, run.first_home));
  assembler_.Arithmetic(ArithmeticOp::kAdd, Width::k64, slot, abi::kArgumentSlotBytes);
  assembler_.Arithmetic(ArithmeticOp::kSub, Width::k64, Gpr::kRcx, 1);
  assembler_.Arithmetic(ArithmeticOp::kCmp, Width::k64, Gpr::kRcx, -static_cast<int32_t>(count));
  assembler_.Jcc(Condition::kNotEqual, next);
}

// ---- Results
// --------------------------------------------------------------------------------------

// Behind the call: the arguments leave the value stack, the results come.
void FunctionCompiler::FinishCall(const FunctionType& type) {
  stack_.Truncate(stack_.height() - static_cast<uint32_t>(type.params.size()));
  stack_.BeginOperator();
  stack_.ForgetCaches();
  ReloadLostLocals();

  bool area_read = false;
  abi::ResultAssigner assigner;
  AreaRun run;
  for (const wasm::ValueType result : type.results) {
    const ValueKind kind = result.kind();
    const Location location = assigner.Next(ClassOf(kind));
    if (location.kind == Location::Kind::kIntegerRegister) {
      stack_.PushGpr(kind, Gpr::kRax);
    } else if (location.kind == Location::Kind::kVectorRegister) {
      stack_.PushXmm(kind, Xmm::k0);
    } else {
      if (!area_read) assembler_.Mov(Width::k64, kScratch, Mem::Gs(thread_control::kArgumentArea));
      area_read = true;
      stack_.PushHome(kind);
      const int32_t home = stack_.HomeOf(stack_.height() - 1);
      if (kind == ValueKind::kV128) {
        assembler_.Movup(kScratchXmm, AreaSlot(kScratch, location.number));
        assembler_.Movup(FrameMem(home), kScratchXmm);
      } else {
        AddToRun(run, location.number, home, /*to_area=*/false);
      }
    }
  }
  EndRun(run);
}

// ---- Direct calls
// ---------------------------------------------------------------------------------

// The context pointer into rdi, for a callee of this instance.
void FunctionCompiler::PassVmContext() {
  const LocalState& context = stack_.locals().vm_context();
  if (context.pinned != kNoRegister) {
    assembler_.Mov(Width::k64, kContextArgument, static_cast<Gpr>(context.pinned));
  } else {
    assembler_.Mov(Width::k64, kContextArgument, FrameMem(kVmContextHome));
  }
}

void FunctionCompiler::BeginCall(uint32_t argument_count) {
  NoteAddress();
  stack_.SpillBelow(stack_.height() - argument_count);
  SaveLostLocals();
}

void FunctionCompiler::VisitCall(wasm::FunctionIndex function) {
  const FunctionType& type = module_.TypeOf(function);
  BeginCall(static_cast<uint32_t>(type.params.size()));
  PrepareArguments(type);
  PassVmContext();
  if (module_.IsImported(function)) {
    const int32_t import = static_cast<int32_t>(context_.layout.FunctionImport(ToInt(function)));
    assembler_.Mov(Width::k64, kCallee, Mem::At(kContextArgument, import + vmctx::kFunctionCode));
    assembler_.Mov(
        Width::k64, kContextArgument, Mem::At(kContextArgument, import + vmctx::kFunctionContext));
    assembler_.Call(kCallee);
  } else {
    chunk_->calls.push_back({assembler_.CallRel32(), function});
  }
  FinishCall(type);
}

void FunctionCompiler::VisitReturnCall(wasm::FunctionIndex function) {
  PrepareArguments(module_.TypeOf(function));
  PassVmContext();
  if (module_.IsImported(function)) {
    const int32_t import = static_cast<int32_t>(context_.layout.FunctionImport(ToInt(function)));
    assembler_.Mov(Width::k64, kCallee, Mem::At(kContextArgument, import + vmctx::kFunctionCode));
    assembler_.Mov(
        Width::k64, kContextArgument, Mem::At(kContextArgument, import + vmctx::kFunctionContext));
    LeaveFrame();
    assembler_.Jmp(kCallee);
  } else {
    LeaveFrame();
    chunk_->calls.push_back({assembler_.JmpRel32(), function});
  }
  live_ = false;
}

// ---- Indirect calls
// -------------------------------------------------------------------------------

// Pops an index into the table; leaves the function's record in rax, locked, its type checked.
void FunctionCompiler::ResolveIndirect(wasm::TypeIndex type, wasm::TableIndex table) {
  NoteAddress();
  stack_.PopGprInto(kCallee);
  const Width w = module_.tables[ToInt(table)].type.address == wasm::AddressType::kI64 ? Width::k64
                                                                                       : Width::k32;
  const Mem count = TableRecordField(ToInt(table), vmctx::kTableCount);
  assembler_.MovImm(kScratch, 0);
  assembler_.Arithmetic(ArithmeticOp::kCmp, w, kCallee, count);
  TrapIf(Condition::kAboveEqual, TrapCode::kUndefinedElement);
  // A mispredicted branch reads entry 0, nothing beyond the table.
  assembler_.Cmov(Condition::kAboveEqual, Width::k64, kCallee, kScratch);
  Mem entries = count;
  entries.disp += vmctx::kTableEntries - vmctx::kTableCount;
  assembler_.Mov(Width::k64, kScratch, entries);
  assembler_.Mov(Width::k64, kCallee, Mem::Indexed(kScratch, kCallee, 3));
  assembler_.Test(Width::k64, kCallee, kCallee);
  TrapIf(Condition::kEqual, TrapCode::kUninitializedElement);
  assembler_.Mov(Width::k64, kScratch, Mem::At(stack_.VmContextGpr(), vmctx::kTypeIds));
  assembler_.Mov(Width::k32, kScratch, Mem::At(kScratch, static_cast<int32_t>(4 * ToInt(type))));
  assembler_.Arithmetic(
      ArithmeticOp::kCmp, Width::k32, kScratch, Mem::At(kCallee, vmctx::kFunctionTypeId));
  TrapIf(Condition::kNotEqual, TrapCode::kIndirectCallTypeMismatch);
}

void FunctionCompiler::VisitCallIndirect(wasm::TypeIndex type_index, wasm::TableIndex table) {
  const FunctionType& type = module_.types[ToInt(type_index)];
  ResolveIndirect(type_index, table);
  BeginCall(static_cast<uint32_t>(type.params.size()));
  PrepareArguments(type);
  assembler_.Mov(Width::k64, kContextArgument, Mem::At(kCallee, vmctx::kFunctionContext));
  assembler_.Call(Mem::At(kCallee, vmctx::kFunctionCode));
  FinishCall(type);
}

void FunctionCompiler::VisitReturnCallIndirect(wasm::TypeIndex type_index, wasm::TableIndex table) {
  ResolveIndirect(type_index, table);
  PrepareArguments(module_.types[ToInt(type_index)]);
  assembler_.Mov(Width::k64, kContextArgument, Mem::At(kCallee, vmctx::kFunctionContext));
  assembler_.Mov(Width::k64, kCallee, Mem::At(kCallee, vmctx::kFunctionCode));
  LeaveFrame();
  assembler_.Jmp(kCallee);
  live_ = false;
}

// ---- Builtins
// -------------------------------------------------------------------------------------

void FunctionCompiler::CallBuiltin(abi::BuiltinId id,
                                   std::initializer_list<uint32_t> constants,
                                   uint32_t operand_count) {
  constexpr Gpr kArguments[] = {Gpr::kRsi, Gpr::kRdx, Gpr::kRcx, Gpr::kR8, Gpr::kR9};
  BeginCall(operand_count);
  const uint32_t first_entry = stack_.height() - operand_count;
  std::array<Move<Gpr>, 5> moves;
  for (uint32_t i = 0; i < operand_count; ++i) {
    const uint8_t from = stack_.RegisterOf(stack_.At(first_entry + i));
    moves[i].to = kArguments[constants.size() + i];
    moves[i].in_register = from != kNoRegister;
    if (moves[i].in_register) moves[i].from = static_cast<Gpr>(from);
    moves[i].entry = first_entry + i;
  }
  MoveInParallel(moves, operand_count, kScratch, [this](Gpr to, Gpr from) {
    assembler_.Mov(Width::k64, to, from);
  });
  for (uint32_t i = 0; i < operand_count; ++i) {
    if (!moves[i].in_register) LoadArgument(moves[i].entry, moves[i].to);
  }
  const Gpr* argument = kArguments;
  for (const uint32_t constant : constants) {
    if (constant == 0) {
      assembler_.Zero(*argument++);
    } else {
      assembler_.MovImm(*argument++, constant);
    }
  }
  PassVmContext();
  assembler_.Call(Mem::Gs(thread_control::kBuiltins + 8 * static_cast<int32_t>(id)));
  stack_.Truncate(first_entry);
  stack_.BeginOperator();
  stack_.ForgetCaches();
  ReloadLostLocals();
}

}  // namespace tidepool::engine::baseline
