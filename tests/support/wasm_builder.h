// WasmBuilder writes small modules for tests, valid or not as the test wants: nothing is checked
// except that imports come before definitions, since they share index spaces.
//
//   WasmBuilder module;
//   const FunctionIndex add = module.Function(
//       {ValueType::I32(), ValueType::I32()}, {ValueType::I32()},
//       Code().LocalGet(0).LocalGet(1).Op(Opcode::kI32Add));
//   module.ExportFunction("add", add);
//   const std::vector<uint8_t> bytes = module.Build();
//
// Life     Filling until Build, which may be called again.
// Threads  One thread at a time.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

class WasmBuilder {
 public:
  using Types = std::vector<ValueType>;
  struct LocalRun {
    uint32_t count;
    ValueType type;
  };

  // The same signature gives the same index.
  TypeIndex Type(const Types& params, const Types& results) {
    const wasm::FunctionType type{params, results};
    for (size_t i = 0; i < types_.size(); ++i) {
      if (types_[i] == type) return static_cast<TypeIndex>(i);
    }
    types_.push_back(type);
    return static_cast<TypeIndex>(types_.size() - 1);
  }

  FunctionIndex ImportFunction(absl::string_view module,
                               absl::string_view name,
                               const Types& params,
                               const Types& results) {
    TP_CHECK(functions_.empty());
    Import(module, name, ExternalKind::kFunction).VarU64(ToInt(Type(params, results)));
    return static_cast<FunctionIndex>(imported_functions_++);
  }
  MemoryIndex ImportMemory(absl::string_view module,
                           absl::string_view name,
                           const wasm::MemoryType& type) {
    TP_CHECK(memories_.empty());
    WriteMemory(Import(module, name, ExternalKind::kMemory), type);
    return static_cast<MemoryIndex>(imported_memories_++);
  }
  TableIndex ImportTable(absl::string_view module,
                         absl::string_view name,
                         const wasm::TableType& type) {
    TP_CHECK(tables_.empty());
    WriteTable(Import(module, name, ExternalKind::kTable), type);
    return static_cast<TableIndex>(imported_tables_++);
  }
  GlobalIndex ImportGlobal(absl::string_view module,
                           absl::string_view name,
                           ValueType type,
                           bool is_mutable) {
    TP_CHECK(globals_.empty());
    ByteWriter& out = Import(module, name, ExternalKind::kGlobal);
    builder_internal::WriteValueType(out, type);
    out.U8(is_mutable ? 1 : 0);
    return static_cast<GlobalIndex>(imported_globals_++);
  }

  // What the next Function returns: for calls ahead, and to itself.
  FunctionIndex NextFunction() const {
    return static_cast<FunctionIndex>(imported_functions_ + functions_.size());
  }
  FunctionIndex Function(const Types& params,
                         const Types& results,
                         const Code& code,
                         const std::vector<LocalRun>& locals = {}) {
    ByteWriter body;
    body.VarU64(locals.size());
    for (const LocalRun& run : locals) {
      body.VarU64(run.count);
      builder_internal::WriteValueType(body, run.type);
    }
    body.Bytes(code.bytes());
    body.U8(0x0B);
    const FunctionIndex index = NextFunction();
    functions_.push_back({Type(params, results), std::move(body).Take()});
    return index;
  }
  MemoryIndex Memory(uint64_t min_wasm_pages, std::optional<uint64_t> max_wasm_pages = {}) {
    wasm::MemoryType type;
    type.limits = {min_wasm_pages, max_wasm_pages.value_or(UINT64_MAX), max_wasm_pages.has_value()};
    return Memory(type);
  }
  MemoryIndex Memory(const wasm::MemoryType& type) {
    WriteMemory(memories_.emplace_back(), type);
    return static_cast<MemoryIndex>(imported_memories_ + memories_.size() - 1);
  }
  TableIndex Table(uint64_t min_elements,
                   std::optional<uint64_t> max_elements = {},
                   ValueType element = ValueType::FuncRef()) {
    wasm::TableType type;
    type.limits = {min_elements, max_elements.value_or(UINT64_MAX), max_elements.has_value()};
    type.element = element;
    WriteTable(tables_.emplace_back(), type);
    return static_cast<TableIndex>(imported_tables_ + tables_.size() - 1);
  }
  GlobalIndex Global(ValueType type, bool is_mutable, const Code& init) {
    ByteWriter& out = globals_.emplace_back();
    builder_internal::WriteValueType(out, type);
    out.U8(is_mutable ? 1 : 0);
    WriteExpression(out, init);
    return static_cast<GlobalIndex>(imported_globals_ + globals_.size() - 1);
  }
  void Export(absl::string_view name, ExternalKind kind, uint32_t index) {
    ByteWriter& out = exports_.emplace_back();
    builder_internal::WriteName(out, name);
    out.U8(static_cast<uint8_t>(kind));
    out.VarU64(index);
  }
  void ExportFunction(absl::string_view name, FunctionIndex index) {
    Export(name, ExternalKind::kFunction, ToInt(index));
  }
  void ExportMemory(absl::string_view name, MemoryIndex index = {}) {
    Export(name, ExternalKind::kMemory, ToInt(index));
  }
  void Start(FunctionIndex function) { start_ = function; }

  void ActiveElements(TableIndex table,
                      const Code& offset,
                      absl::Span<const FunctionIndex> functions) {
    ByteWriter& out = elements_.emplace_back();
    out.VarU64(2);
    out.VarU64(ToInt(table));
    WriteExpression(out, offset);
    out.U8(0x00);
    WriteFunctions(out, functions);
  }
  void PassiveElements(absl::Span<const FunctionIndex> functions) {
    ByteWriter& out = elements_.emplace_back();
    out.VarU64(1);
    out.U8(0x00);
    WriteFunctions(out, functions);
  }
  // Allows ref.func of them.
  void DeclareFunctions(absl::Span<const FunctionIndex> functions) {
    ByteWriter& out = elements_.emplace_back();
    out.VarU64(3);
    out.U8(0x00);
    WriteFunctions(out, functions);
  }
  // Entries as constant expressions.
  void PassiveElements(ValueType type, absl::Span<const Code> entries) {
    ByteWriter& out = elements_.emplace_back();
    out.VarU64(5);
    builder_internal::WriteValueType(out, type);
    out.VarU64(entries.size());
    for (const Code& entry : entries) WriteExpression(out, entry);
  }
  void ActiveData(const Code& offset, absl::string_view bytes, MemoryIndex memory = {}) {
    ByteWriter& out = data_.emplace_back();
    out.VarU64(2);
    out.VarU64(ToInt(memory));
    WriteExpression(out, offset);
    builder_internal::WriteName(out, bytes);
  }
  void PassiveData(absl::string_view bytes) {
    ByteWriter& out = data_.emplace_back();
    out.VarU64(1);
    builder_internal::WriteName(out, bytes);
  }
  // At the end of the module, in order of the calls.
  void Custom(absl::string_view name, absl::Span<const uint8_t> bytes) {
    ByteWriter& out = customs_.emplace_back();
    builder_internal::WriteName(out, name);
    out.Bytes(bytes);
  }
  // An entry of the name section; in order of the indexes.
  void NameFunction(FunctionIndex index, absl::string_view name) {
    function_names_.emplace_back(index, std::string(name));
  }

  std::vector<uint8_t> Build() const {
    ByteWriter out;
    out.Fixed(uint32_t{0x6D736100});
    out.Fixed(uint32_t{1});
    WriteTypes(out);
    WriteSection(out, 2, imports_);
    WriteFunctionTypes(out);
    WriteSection(out, 4, tables_);
    WriteSection(out, 5, memories_);
    WriteSection(out, 6, globals_);
    WriteSection(out, 7, exports_);
    if (start_.has_value()) {
      ByteWriter start;
      start.VarU64(ToInt(*start_));
      WriteSection(out, 8, start);
    }
    WriteSection(out, 9, elements_);
    if (!data_.empty()) {
      ByteWriter count;
      count.VarU64(data_.size());
      WriteSection(out, 12, count);
    }
    WriteBodies(out);
    WriteSection(out, 11, data_);
    for (const ByteWriter& custom : customs_) WriteSection(out, 0, custom);
    WriteNames(out);
    return std::move(out).Take();
  }

 private:
  struct Body {
    TypeIndex type;
    std::vector<uint8_t> bytes;
  };

  ByteWriter& Import(absl::string_view module, absl::string_view name, ExternalKind kind) {
    ByteWriter& out = imports_.emplace_back();
    builder_internal::WriteName(out, module);
    builder_internal::WriteName(out, name);
    out.U8(static_cast<uint8_t>(kind));
    return out;
  }
  static void WriteMemory(ByteWriter& out, const wasm::MemoryType& type) {
    builder_internal::WriteLimits(
        out, type.limits, type.shared, type.address == wasm::AddressType::kI64);
  }
  static void WriteTable(ByteWriter& out, const wasm::TableType& type) {
    builder_internal::WriteValueType(out, type.element);
    builder_internal::WriteLimits(
        out, type.limits, /*shared=*/false, type.address == wasm::AddressType::kI64);
  }
  static void WriteExpression(ByteWriter& out, const Code& code) {
    out.Bytes(code.bytes());
    out.U8(0x0B);
  }
  static void WriteFunctions(ByteWriter& out, absl::Span<const FunctionIndex> functions) {
    out.VarU64(functions.size());
    for (const FunctionIndex function : functions) out.VarU64(ToInt(function));
  }
  static void WriteSection(ByteWriter& out, uint8_t id, const ByteWriter& contents) {
    out.U8(id);
    out.VarU64(contents.offset());
    out.Bytes(contents.bytes());
  }
  static void WriteSection(ByteWriter& out, uint8_t id, const std::vector<ByteWriter>& entries) {
    if (entries.empty()) return;
    ByteWriter contents;
    contents.VarU64(entries.size());
    for (const ByteWriter& entry : entries) contents.Bytes(entry.bytes());
    WriteSection(out, id, contents);
  }
  void WriteTypes(ByteWriter& out) const {
    std::vector<ByteWriter> entries;
    for (const wasm::FunctionType& type : types_) {
      ByteWriter& entry = entries.emplace_back();
      entry.U8(0x60);
      builder_internal::WriteVector(entry, type.params);
      builder_internal::WriteVector(entry, type.results);
    }
    WriteSection(out, 1, entries);
  }
  void WriteFunctionTypes(ByteWriter& out) const {
    std::vector<ByteWriter> entries;
    for (const Body& function : functions_) entries.emplace_back().VarU64(ToInt(function.type));
    WriteSection(out, 3, entries);
  }
  void WriteBodies(ByteWriter& out) const {
    std::vector<ByteWriter> entries;
    for (const Body& function : functions_) {
      ByteWriter& entry = entries.emplace_back();
      entry.VarU64(function.bytes.size());
      entry.Bytes(function.bytes);
    }
    WriteSection(out, 10, entries);
  }
  void WriteNames(ByteWriter& out) const {
    if (function_names_.empty()) return;
    ByteWriter map;
    map.VarU64(function_names_.size());
    for (const auto& [index, name] : function_names_) {
      map.VarU64(ToInt(index));
      builder_internal::WriteName(map, name);
    }
    ByteWriter section;
    builder_internal::WriteName(section, "name");
    WriteSection(section, 1, map);
    WriteSection(out, 0, section);
  }

  std::vector<wasm::FunctionType> types_;
  std::vector<ByteWriter> imports_, tables_, memories_, globals_, exports_, elements_, data_;
  std::vector<ByteWriter> customs_;
  std::vector<Body> functions_;
  std::optional<FunctionIndex> start_;
  std::vector<std::pair<FunctionIndex, std::string>> function_names_;
  uint32_t imported_functions_ = 0;
  uint32_t imported_memories_ = 0;
  uint32_t imported_tables_ = 0;
  uint32_t imported_globals_ = 0;
};

}  // namespace tidepool::test
