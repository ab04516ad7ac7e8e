// Loads, stores, memory.size and .grow, bulk memory.
//
// Guard pages    base + zero-extended index + offset, unchecked, while the offset is small enough
//                for every such address to lie in the memory's reservation; a fault is the trap.
// Explicit       end = index + offset + bytes, compared with the memory's size; then the address is
//                moved away (cmov) if it was too large, so that a mispredicted branch reads nothing
//                either.
#include "engine/baseline/function_compiler.h"

namespace tidepool::engine::baseline {

using wasm::MemArg;
using wasm::ToInt;
using wasm::ValueKind;
using x64::ArithmeticOp;
using x64::Condition;
using x64::Gpr;
using x64::Mem;
using x64::Precision;
using x64::Width;
using x64::Xmm;

namespace {
constexpr ValueKind kI32 = ValueKind::kI32;
constexpr ValueKind kI64 = ValueKind::kI64;
// LEB128 numbers of a memory argument: alignment and offset (and the memory, where it is given).
constexpr uint32_t MemArgNumbers(MemArg access) {
  return ToInt(access.memory) == 0 ? 2 : 3;
}
}  // namespace

// clang-format off
void FunctionCompiler::VisitI32Load(MemArg access)    { Load(access, kI32, LoadForm::k32); }
void FunctionCompiler::VisitI64Load(MemArg access)    { Load(access, kI64, LoadForm::k64); }
void FunctionCompiler::VisitF32Load(MemArg access)    { LoadFloat(access, Precision::kSingle); }
void FunctionCompiler::VisitF64Load(MemArg access)    { LoadFloat(access, Precision::kDouble); }
void FunctionCompiler::VisitI32Load8S(MemArg access)  { Load(access, kI32, LoadForm::k8S); }
void FunctionCompiler::VisitI32Load8U(MemArg access)  { Load(access, kI32, LoadForm::k8U); }
void FunctionCompiler::VisitI32Load16S(MemArg access) { Load(access, kI32, LoadForm::k16S); }
void FunctionCompiler::VisitI32Load16U(MemArg access) { Load(access, kI32, LoadForm::k16U); }
void FunctionCompiler::VisitI64Load8S(MemArg access)  { Load(access, kI64, LoadForm::k8S); }
void FunctionCompiler::VisitI64Load8U(MemArg access)  { Load(access, kI64, LoadForm::k8U); }
void FunctionCompiler::VisitI64Load16S(MemArg access) { Load(access, kI64, LoadForm::k16S); }
void FunctionCompiler::VisitI64Load16U(MemArg access) { Load(access, kI64, LoadForm::k16U); }
void FunctionCompiler::VisitI64Load32S(MemArg access) { Load(access, kI64, LoadForm::k32S); }
void FunctionCompiler::VisitI64Load32U(MemArg access) { Load(access, kI64, LoadForm::k32); }
void FunctionCompiler::VisitI32Store(MemArg access)   { Store(access, 4); }
void FunctionCompiler::VisitI64Store(MemArg access)   { Store(access, 8); }
void FunctionCompiler::VisitF32Store(MemArg access)   { StoreFloat(access, Precision::kSingle); }
void FunctionCompiler::VisitF64Store(MemArg access)   { StoreFloat(access, Precision::kDouble); }
void FunctionCompiler::VisitI32Store8(MemArg access)  { Store(access, 1); }
void FunctionCompiler::VisitI32Store16(MemArg access) { Store(access, 2); }
void FunctionCompiler::VisitI64Store8(MemArg access)  { Store(access, 1); }
void FunctionCompiler::VisitI64Store16(MemArg access) { Store(access, 2); }
void FunctionCompiler::VisitI64Store32(MemArg access) { Store(access, 4); }
// clang-format on

// ---- Addresses
// ------------------------------------------------------------------------------------

Gpr FunctionCompiler::MemoryBase(uint32_t memory) {
  if (memory == 0) return kMemoryBase;
  const Gpr context = stack_.VmContextGpr();
  const Gpr base = stack_.NewGpr();
  assembler_.Mov(Width::k64,
                 base,
                 Mem::At(context, static_cast<int32_t>(context_.layout.MemoryReference(memory))));
  return base;
}

// Where the memory's size in bytes is read.
Mem FunctionCompiler::MemoryBytes(uint32_t memory) {
  const Gpr context = stack_.VmContextGpr();
  const abi::VmContextLayout& layout = context_.layout;
  if (memory >= module_.imported_memory_count) {
    const uint64_t record = layout.MemoryRecord(memory - module_.imported_memory_count);
    return Mem::At(context, static_cast<int32_t>(record) + abi::vmctx::kMemoryRecordBytes);
  }
  const Gpr record = stack_.NewGpr();
  const uint64_t reference = layout.MemoryReference(memory);
  assembler_.Mov(
      Width::k64,
      record,
      Mem::At(context, static_cast<int32_t>(reference) + abi::vmctx::kMemoryReferenceRecord));
  return Mem::At(record, abi::vmctx::kMemoryRecordBytes);
}

// Pops the index of an access.  Whether the access may fault is left in access_may_fault_.
Mem FunctionCompiler::PopAddress(MemArg access, uint32_t bytes) {
  const uint32_t memory = ToInt(access.memory);
  const wasm::MemoryType& type = module_.memories[memory].type;
  NoteAddress();
  access_may_fault_ = context_.options.bounds == Bounds::kGuard &&
                      type.address == wasm::AddressType::kI32 && type.page_bytes_log2 == 16 &&
                      access.offset <= kUncheckedOffsetMax;
  if (!access_may_fault_) return PopCheckedAddress(access, bytes);

  const int32_t offset = static_cast<int32_t>(access.offset);
  if (!stack_.TopIsConstant()) {
    // The index keeps its own 32 bits: only the offset is folded, as wasm adds it without wrapping.
    const Gpr index = stack_.PopGpr();
    return Mem::Indexed(MemoryBase(memory), index, 0, offset);
  }
  const uint64_t address = stack_.PopConstant() + access.offset;
  const Gpr base = MemoryBase(memory);
  if (address <= INT32_MAX) return Mem::At(base, static_cast<int32_t>(address));
  assembler_.MovImm(kScratch, address);
  return Mem::Indexed(base, kScratch);
}

Mem FunctionCompiler::PopCheckedAddress(MemArg access, uint32_t bytes) {
  const uint32_t memory = ToInt(access.memory);
  const bool wide = module_.memories[memory].type.address == wasm::AddressType::kI64;
  const Gpr end = stack_.PopOwnedGpr();
  const Gpr base = MemoryBase(memory);
  const Mem limit = MemoryBytes(memory);
  // end = index + offset + bytes: below 2^64 for a 32-bit index, and with a carry caught otherwise.
  uint64_t reach = 0;
  if (__builtin_add_overflow(access.offset, uint64_t{bytes}, &reach)) {
    assembler_.Test(Width::k64, Gpr::kRsp, Gpr::kRsp);  // Never zero: beyond any memory.
    TrapIf(Condition::kNotEqual, TrapCode::kMemoryOutOfBounds);
  }
  if (reach <= INT32_MAX) {
    assembler_.Arithmetic(ArithmeticOp::kAdd, Width::k64, end, static_cast<int32_t>(reach));
  } else {
    assembler_.MovImm(kScratch, reach);
    assembler_.Arithmetic(ArithmeticOp::kAdd, Width::k64, end, kScratch);
  }
  if (wide) TrapIf(Condition::kBelow, TrapCode::kMemoryOutOfBounds);
  assembler_.MovImm(kScratch, bytes);
  assembler_.Arithmetic(ArithmeticOp::kCmp, Width::k64, end, limit);
  assembler_.Cmov(Condition::kAbove, Width::k64, end, kScratch);
  TrapIf(Condition::kAbove, TrapCode::kMemoryOutOfBounds);
  return Mem::Indexed(base, end, 0, -static_cast<int32_t>(bytes));
}

// ---- Loads and stores
// -----------------------------------------------------------------------------

namespace {
constexpr uint32_t kFormBytes[] = {1, 1, 2, 2, 4, 4, 8};  // By LoadForm.
}

void FunctionCompiler::Load(MemArg access, ValueKind kind, LoadForm form) {
  const bool owned = stack_.TopIsOwned();
  const Mem from = PopAddress(access, kFormBytes[static_cast<int>(form)]);
  // The index has served when the value arrives.
  const bool reuse = (owned || !access_may_fault_) && from.index != Mem::kNone;
  const Gpr to = ResultGpr(MemArgNumbers(access), reuse ? from.index : kNoRegister);
  const Width w = WidthOf(kind);
  NoteAccess();
  switch (form) {
    case LoadForm::k8S:
      assembler_.Movsx8(w, to, from);
      break;
    case LoadForm::k8U:
      assembler_.Movzx8(to, from);
      break;
    case LoadForm::k16S:
      assembler_.Movsx16(w, to, from);
      break;
    case LoadForm::k16U:
      assembler_.Movzx16(to, from);
      break;
    case LoadForm::k32S:
      assembler_.Movsxd(to, from);
      break;
    case LoadForm::k32:
      assembler_.Mov(Width::k32, to, from);
      break;
    case LoadForm::k64:
      assembler_.Mov(Width::k64, to, from);
      break;
  }
  stack_.PushGpr(kind, to);
}

void FunctionCompiler::LoadFloat(MemArg access, Precision p) {
  const Mem from = PopAddress(access, p == Precision::kSingle ? 4 : 8);
  const Xmm to = ResultXmm(MemArgNumbers(access));
  NoteAccess();
  assembler_.Movs(p, to, from);
  stack_.PushXmm(p == Precision::kSingle ? ValueKind::kF32 : ValueKind::kF64, to);
}

void FunctionCompiler::Store(MemArg access, uint32_t bytes) {
  // An immediate is at most 32 bits, sign-extended for a store of 64.
  const bool immediate =
      stack_.TopIsConstant() && (bytes < 8 || static_cast<int64_t>(stack_.FromTop(0).constant) ==
                                                  static_cast<int32_t>(stack_.FromTop(0).constant));
  if (immediate && bytes != 2) {
    const int32_t value = static_cast<int32_t>(stack_.PopConstant());
    const Mem to = PopAddress(access, bytes);
    NoteAccess();
    switch (bytes) {
      case 1:
        assembler_.Mov8Imm(to, static_cast<int8_t>(value));
        break;
      case 4:
        assembler_.MovImm(Width::k32, to, value);
        break;
      default:
        assembler_.MovImm(Width::k64, to, value);
        break;
    }
    return;
  }
  const Gpr value = stack_.PopGpr();
  const Mem to = PopAddress(access, bytes);
  NoteAccess();
  switch (bytes) {
    case 1:
      assembler_.Mov8(to, value);
      break;
    case 2:
      assembler_.Mov16(to, value);
      break;
    case 4:
      assembler_.Mov(Width::k32, to, value);
      break;
    default:
      assembler_.Mov(Width::k64, to, value);
      break;
  }
}

void FunctionCompiler::StoreFloat(MemArg access, Precision p) {
  const uint32_t bytes = p == Precision::kSingle ? 4 : 8;
  if (stack_.TopIsConstant()) return Store(access, bytes);  // Bits are bits.
  const Xmm value = stack_.PopXmm();
  const Mem to = PopAddress(access, bytes);
  NoteAccess();
  assembler_.Movs(p, to, value);
}

// ---- Size and bulk
// --------------------------------------------------------------------------------

void FunctionCompiler::VisitMemorySize(wasm::MemoryIndex memory) {
  const wasm::MemoryType& type = module_.memories[ToInt(memory)].type;
  const Mem bytes = MemoryBytes(ToInt(memory));
  const Gpr to = ResultGpr(1);
  assembler_.Mov(Width::k64, to, bytes);
  if (type.page_bytes_log2 != 0) {
    assembler_.Shift(x64::ShiftOp::kShr, Width::k64, to, type.page_bytes_log2);
  }
  stack_.PushGpr(type.address == wasm::AddressType::kI64 ? kI64 : kI32, to);
}

void FunctionCompiler::VisitMemoryGrow(wasm::MemoryIndex memory) {
  const bool wide = module_.memories[ToInt(memory)].type.address == wasm::AddressType::kI64;
  CallBuiltin(abi::BuiltinId::kMemoryGrow, {ToInt(memory)}, 1);
  // UINT64_MAX becomes -1 of either width.
  if (!wide) assembler_.Mov(Width::k32, Gpr::kRax, Gpr::kRax);
  stack_.PushGpr(wide ? kI64 : kI32, Gpr::kRax);
}

void FunctionCompiler::VisitMemoryFill(wasm::MemoryIndex memory) {
  CallBuiltin(abi::BuiltinId::kMemoryFill, {ToInt(memory)}, 3);
}

void FunctionCompiler::VisitMemoryCopy(wasm::MemoryIndex to, wasm::MemoryIndex from) {
  CallBuiltin(abi::BuiltinId::kMemoryCopy, {ToInt(to) | ToInt(from) << 16}, 3);
}

void FunctionCompiler::VisitMemoryInit(wasm::DataIndex segment, wasm::MemoryIndex memory) {
  CallBuiltin(abi::BuiltinId::kMemoryInit, {ToInt(memory), ToInt(segment)}, 3);
}

void FunctionCompiler::VisitDataDrop(wasm::DataIndex segment) {
  CallBuiltin(abi::BuiltinId::kDataDrop, {ToInt(segment)}, 0);
}

}  // namespace tidepool::engine::baseline
