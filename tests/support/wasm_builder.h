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
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "tests/support/wasm_sections.h"

namespace tidepool::test {

class WasmBuilder : public WasmSections {
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
};

}  // namespace tidepool::test
