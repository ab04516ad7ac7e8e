// Code emits operators for WasmBuilder, one call each, and checks nothing.
//
// Threads  One thread at a time.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "engine/support/byte_writer.h"
#include "engine/support/check.h"
#include "engine/wasm/module.h"
#include "engine/wasm/opcodes.h"
#include "engine/wasm/types.h"

namespace tidepool::test {

namespace wasm = ::tidepool::engine::wasm;
using ::tidepool::ByteWriter;
using wasm::ExternalKind;
using wasm::FunctionIndex;
using wasm::GlobalIndex;
using wasm::MemoryIndex;
using wasm::Opcode;
using wasm::TableIndex;
using wasm::TypeIndex;
using wasm::ValueType;

namespace builder_internal {

inline void WriteHeapType(ByteWriter& out, wasm::HeapType heap) {
  constexpr uint8_t kCodes[] = {
      0x70, 0x6F, 0x6E, 0x6D, 0x6C, 0x6B, 0x6A, 0x69, 0x71, 0x73, 0x72, 0x74};
  if (wasm::IsConcrete(heap)) {
    out.VarS64(ToInt(TypeIndexOf(heap)));
  } else {
    TP_CHECK(static_cast<size_t>(heap) < sizeof(kCodes));
    out.U8(kCodes[static_cast<size_t>(heap)]);
  }
}

inline void WriteValueType(ByteWriter& out, ValueType type) {
  switch (type.kind()) {
    case wasm::ValueKind::kI32:
      return out.U8(0x7F);
    case wasm::ValueKind::kI64:
      return out.U8(0x7E);
    case wasm::ValueKind::kF32:
      return out.U8(0x7D);
    case wasm::ValueKind::kF64:
      return out.U8(0x7C);
    case wasm::ValueKind::kV128:
      return out.U8(0x7B);
    case wasm::ValueKind::kRef:
      if (!type.nullable() || wasm::IsConcrete(type.heap())) out.U8(type.nullable() ? 0x63 : 0x64);
      return WriteHeapType(out, type.heap());
    case wasm::ValueKind::kBottom:
      break;
  }
  TP_CHECK(!"a type that can be written");
}

inline void WriteName(ByteWriter& out, absl::string_view name) {
  out.VarU64(name.size());
  out.Text(name);
}

inline void WriteVector(ByteWriter& out, absl::Span<const ValueType> types) {
  out.VarU64(types.size());
  for (const ValueType type : types) WriteValueType(out, type);
}

inline void WriteLimits(ByteWriter& out, const wasm::Limits64& limits, bool shared, bool wide) {
  out.U8(static_cast<uint8_t>((limits.has_max ? 1 : 0) | (shared ? 2 : 0) | (wide ? 4 : 0)));
  out.VarU64(limits.min);
  if (limits.has_max) out.VarU64(limits.max);
}

}  // namespace builder_internal

// Emits operators, one call each.  WasmBuilder adds the `end` that closes a body.
class Code {
 public:
  // Opcode, then its index immediates (or depths) in order.
  Code& Op(Opcode opcode, std::initializer_list<uint64_t> immediates = {}) {
    const uint32_t code = static_cast<uint32_t>(opcode);
    if (code > 0xFF) {
      out_.U8(static_cast<uint8_t>(code >> 16));
      out_.VarU64(code & 0xFFFF);
    } else {
      out_.U8(static_cast<uint8_t>(code));
    }
    for (const uint64_t immediate : immediates) out_.VarU64(immediate);
    return *this;
  }
  Code& Ops(std::initializer_list<Opcode> opcodes) {
    for (const Opcode opcode : opcodes) Op(opcode);
    return *this;
  }
  Code& I32Const(int32_t value) { return Signed(Opcode::kI32Const, value); }
  Code& I64Const(int64_t value) { return Signed(Opcode::kI64Const, value); }
  Code& F32Const(float value) { return Fixed(Opcode::kF32Const, value); }
  Code& F64Const(double value) { return Fixed(Opcode::kF64Const, value); }
  Code& F32Bits(uint32_t bits) { return Fixed(Opcode::kF32Const, bits); }
  Code& F64Bits(uint64_t bits) { return Fixed(Opcode::kF64Const, bits); }
  Code& LocalGet(uint32_t local) { return Op(Opcode::kLocalGet, {local}); }
  Code& LocalSet(uint32_t local) { return Op(Opcode::kLocalSet, {local}); }
  Code& LocalTee(uint32_t local) { return Op(Opcode::kLocalTee, {local}); }
  Code& GlobalGet(GlobalIndex global) { return Op(Opcode::kGlobalGet, {ToInt(global)}); }
  Code& GlobalSet(GlobalIndex global) { return Op(Opcode::kGlobalSet, {ToInt(global)}); }
  Code& Call(FunctionIndex function) { return Op(Opcode::kCall, {ToInt(function)}); }
  Code& CallIndirect(TypeIndex type, TableIndex table = {}) {
    return Op(Opcode::kCallIndirect, {ToInt(type), ToInt(table)});
  }
  Code& RefFunc(FunctionIndex function) { return Op(Opcode::kRefFunc, {ToInt(function)}); }
  Code& RefNull(wasm::HeapType heap) {
    Op(Opcode::kRefNull);
    builder_internal::WriteHeapType(out_, heap);
    return *this;
  }
  Code& SelectTyped(ValueType type) {
    Op(Opcode::kSelectTyped, {1});
    builder_internal::WriteValueType(out_, type);
    return *this;
  }
  // A load, store or atomic access; by default with the natural alignment.
  Code& Access(Opcode opcode,
               uint64_t offset = 0,
               std::optional<uint32_t> align_log2 = {},
               MemoryIndex memory = {}) {
    Op(opcode);
    const wasm::OpcodeInfo* info = wasm::FindOpcode(static_cast<uint32_t>(opcode));
    TP_CHECK(info != nullptr && wasm::AccessBytes(info->immediate) != 0);
    const uint32_t natural = static_cast<uint32_t>(__builtin_ctz(AccessBytes(info->immediate)));
    out_.VarU64(align_log2.value_or(natural) | (ToInt(memory) != 0 ? 64 : 0));
    if (ToInt(memory) != 0) out_.VarU64(ToInt(memory));
    out_.VarU64(offset);
    return *this;
  }
  // block, loop or if: without type, with one result, with a function type.
  Code& Open(Opcode opcode) { return Op(opcode).Byte(0x40); }
  Code& Open(Opcode opcode, ValueType result) {
    Op(opcode);
    builder_internal::WriteValueType(out_, result);
    return *this;
  }
  Code& Open(Opcode opcode, TypeIndex type) {
    Op(opcode);
    out_.VarS64(ToInt(type));
    return *this;
  }
  Code& Else() { return Op(Opcode::kElse); }
  Code& End() { return Op(Opcode::kEnd); }
  Code& Br(uint32_t depth) { return Op(Opcode::kBr, {depth}); }
  Code& BrIf(uint32_t depth) { return Op(Opcode::kBrIf, {depth}); }
  Code& BrTable(absl::Span<const uint32_t> targets, uint32_t default_target) {
    Op(Opcode::kBrTable, {targets.size()});
    for (const uint32_t target : targets) out_.VarU64(target);
    out_.VarU64(default_target);
    return *this;
  }
  Code& Byte(uint8_t byte) {
    out_.U8(byte);
    return *this;
  }
  Code& Bytes(absl::Span<const uint8_t> bytes) {
    out_.Bytes(bytes);
    return *this;
  }
  absl::Span<const uint8_t> bytes() const { return out_.bytes(); }

 private:
  Code& Signed(Opcode opcode, int64_t value) {
    Op(opcode);
    out_.VarS64(value);
    return *this;
  }
  template <typename T>
  Code& Fixed(Opcode opcode, T value) {
    Op(opcode);
    out_.Fixed(value);
    return *this;
  }
  ByteWriter out_;
};

}  // namespace tidepool::test
