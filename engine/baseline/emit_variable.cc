// Locals and globals.
#include "engine/baseline/function_compiler.h"

namespace tidepool::engine::baseline {

using wasm::ToInt;
using wasm::ValueKind;
using x64::Gpr;
using x64::Mem;
using x64::Precision;
using x64::Width;
using x64::Xmm;

// A local needs its zero only where a read may come before every write.  In structured code a
// write is certain for everything behind it in its own block.
void FunctionCompiler::NoteRead(LocalState& state) {
  if (state.needs_zero || state.is_param) return;
  const bool certain = state.was_set && state.set_depth < controls_.size() &&
                       controls_[state.set_depth].serial == state.set_block;
  if (!certain) state.needs_zero = true;
}

void FunctionCompiler::NoteWrite(LocalState& state) {
  if (state.was_set) return;
  state.was_set = true;
  state.set_depth = static_cast<uint32_t>(controls_.size() - 1);
  state.set_block = controls_.back().serial;
}

void FunctionCompiler::VisitLocalGet(uint32_t local) {
  NoteRead(stack_.locals().Touch(local));
  stack_.PushLocal(local);
}

void FunctionCompiler::VisitLocalSet(uint32_t local) {
  NoteWrite(stack_.locals().Touch(local));
  stack_.SetLocal(local, /*keep=*/false);
}

void FunctionCompiler::VisitLocalTee(uint32_t local) {
  NoteWrite(stack_.locals().Touch(local));
  stack_.SetLocal(local, /*keep=*/true);
}

Mem FunctionCompiler::GlobalCell(wasm::GlobalIndex global) {
  const Gpr context = stack_.VmContextGpr();
  const uint32_t index = ToInt(global);
  if (index >= module_.imported_global_count) {
    return Mem::At(
        context,
        static_cast<int32_t>(context_.layout.Global(index - module_.imported_global_count)));
  }
  const Gpr cell = stack_.NewGpr();
  assembler_.Mov(Width::k64,
                 cell,
                 Mem::At(context, static_cast<int32_t>(context_.layout.ImportedGlobal(index))));
  return Mem::At(cell);
}

void FunctionCompiler::VisitGlobalGet(wasm::GlobalIndex global) {
  const ValueKind kind = module_.globals[ToInt(global)].type.value.kind();
  const Mem cell = GlobalCell(global);
  if (!IsVector(kind)) {
    const Gpr to = ResultGpr(1);
    assembler_.Mov(WidthOf(kind), to, cell);
    stack_.PushGpr(kind, to);
    return;
  }
  const Xmm to = ResultXmm(1);
  if (kind == ValueKind::kV128) {
    assembler_.Movup(to, cell);
  } else {
    assembler_.Movs(kind == ValueKind::kF32 ? Precision::kSingle : Precision::kDouble, to, cell);
  }
  stack_.PushXmm(kind, to);
}

void FunctionCompiler::VisitGlobalSet(wasm::GlobalIndex global) {
  const ValueKind kind = module_.globals[ToInt(global)].type.value.kind();
  if (IsVector(kind)) {
    const Xmm value = stack_.PopXmm();
    const Mem cell = GlobalCell(global);
    if (kind == ValueKind::kV128) {
      assembler_.Movup(cell, value);
    } else {
      assembler_.Movs(
          kind == ValueKind::kF32 ? Precision::kSingle : Precision::kDouble, cell, value);
    }
    return;
  }
  const Gpr value = stack_.PopGpr();
  const Mem cell = GlobalCell(global);
  // All 8 bytes: an i32 lies zero-extended in its cell.
  assembler_.Mov(Width::k64, cell, value);
}

}  // namespace tidepool::engine::baseline
