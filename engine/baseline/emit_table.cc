// Tables and references.
#include "engine/baseline/function_compiler.h"

namespace tidepool::engine::baseline {

using wasm::ToInt;
using wasm::ValueKind;
using x64::ArithmeticOp;
using x64::Condition;
using x64::Gpr;
using x64::Mem;
using x64::Width;

namespace vmctx = abi::vmctx;

// A field of a table's record.
Mem FunctionCompiler::TableRecordField(uint32_t table, int32_t field) {
  const Gpr context = stack_.VmContextGpr();
  const abi::VmContextLayout& layout = context_.layout;
  if (table >= module_.imported_table_count) {
    const uint64_t record = layout.TableRecord(table - module_.imported_table_count);
    return Mem::At(context, static_cast<int32_t>(record) + field);
  }
  const Gpr record = stack_.NewGpr();
  assembler_.Mov(
      Width::k64, record, Mem::At(context, static_cast<int32_t>(layout.TableReference(table))));
  return Mem::At(record, field);
}

bool FunctionCompiler::IsWideTable(wasm::TableIndex table) const {
  return module_.tables[ToInt(table)].type.address == wasm::AddressType::kI64;
}

// Pops an index; where its entry lies, checked.  `record` gets the table's record.
Mem FunctionCompiler::PopTableEntry(wasm::TableIndex table, Mem* record) {
  NoteAddress();
  const Gpr index = stack_.PopOwnedGpr();
  const Mem count = TableRecordField(ToInt(table), vmctx::kTableCount);
  assembler_.MovImm(kScratch, 0);
  assembler_.Arithmetic(
      ArithmeticOp::kCmp, IsWideTable(table) ? Width::k64 : Width::k32, index, count);
  TrapIf(Condition::kAboveEqual, TrapCode::kTableOutOfBounds);
  // A mispredicted branch reads entry 0, nothing beyond the table.
  assembler_.Cmov(Condition::kAboveEqual, Width::k64, index, kScratch);
  *record = count;
  record->disp -= vmctx::kTableCount;
  Mem entries = *record;
  entries.disp += vmctx::kTableEntries;
  assembler_.Mov(Width::k64, kScratch, entries);
  return Mem::Indexed(kScratch, index, 3);
}

void FunctionCompiler::VisitTableGet(wasm::TableIndex table) {
  Mem record;
  const Mem entry = PopTableEntry(table, &record);
  const Gpr to = ResultGpr(1);
  assembler_.Mov(Width::k64, to, entry);
  stack_.PushGpr(ValueKind::kRef, to);
}

void FunctionCompiler::VisitTableSet(wasm::TableIndex table) {
  const Gpr value = stack_.PopGpr();
  Mem record;
  const Mem entry = PopTableEntry(table, &record);
  assembler_.Mov(Width::k64, entry, value);
  record.disp += vmctx::kTableDirty;
  assembler_.MovImm(Width::k64, record, 1);
}

void FunctionCompiler::VisitTableSize(wasm::TableIndex table) {
  const Mem count = TableRecordField(ToInt(table), vmctx::kTableCount);
  const Gpr to = ResultGpr(1);
  const ValueKind kind = IsWideTable(table) ? ValueKind::kI64 : ValueKind::kI32;
  assembler_.Mov(WidthOf(kind), to, count);
  stack_.PushGpr(kind, to);
}

void FunctionCompiler::VisitTableGrow(wasm::TableIndex table) {
  const ValueKind kind = IsWideTable(table) ? ValueKind::kI64 : ValueKind::kI32;
  CallBuiltin(abi::BuiltinId::kTableGrow, {ToInt(table)}, 2);
  // UINT64_MAX becomes -1 of either width.
  if (kind == ValueKind::kI32) assembler_.Mov(Width::k32, Gpr::kRax, Gpr::kRax);
  stack_.PushGpr(kind, Gpr::kRax);
}

void FunctionCompiler::VisitTableFill(wasm::TableIndex table) {
  CallBuiltin(abi::BuiltinId::kTableFill, {ToInt(table)}, 3);
}

void FunctionCompiler::VisitTableCopy(wasm::TableIndex to, wasm::TableIndex from) {
  CallBuiltin(abi::BuiltinId::kTableCopy, {ToInt(to), ToInt(from)}, 3);
}

void FunctionCompiler::VisitTableInit(wasm::ElementIndex segment, wasm::TableIndex table) {
  CallBuiltin(abi::BuiltinId::kTableInit, {ToInt(table), ToInt(segment)}, 3);
}

void FunctionCompiler::VisitElemDrop(wasm::ElementIndex segment) {
  CallBuiltin(abi::BuiltinId::kElemDrop, {ToInt(segment)}, 0);
}

// ---- References
// -----------------------------------------------------------------------------------

void FunctionCompiler::VisitRefNull(wasm::HeapType heap) {
  stack_.PushConstant(ValueKind::kRef, 0);
}

void FunctionCompiler::VisitRefIsNull() {
  CompareZero(ValueKind::kI64);
}

void FunctionCompiler::VisitRefFunc(wasm::FunctionIndex function) {
  const uint32_t index = ToInt(function);
  const Gpr context = stack_.VmContextGpr();
  const Gpr to = ResultGpr(1);
  if (module_.IsImported(function)) {
    const uint64_t import = context_.layout.FunctionImport(index);
    assembler_.Mov(Width::k64,
                   to,
                   Mem::At(context,
                           static_cast<int32_t>(import) +
                               static_cast<int32_t>(offsetof(abi::FunctionImport, record))));
  } else {
    // Validation wants the function declared, so it has a record.
    const uint64_t record = context_.layout.FunctionRecord(context_.escape_ordinals[index]);
    assembler_.Lea(Width::k64, to, Mem::At(context, static_cast<int32_t>(record)));
  }
  stack_.PushGpr(ValueKind::kRef, to);
}

}  // namespace tidepool::engine::baseline
