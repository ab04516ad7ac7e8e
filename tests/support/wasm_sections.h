// WasmSections holds the entries of a module's sections as bytes, and writes the module: what is
// behind WasmBuilder, whose methods fill it.
//
// Threads  One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "tests/support/wasm_code.h"

namespace tidepool::test {

class WasmSections {
 public:
  // In the order that the format wants; sections without entries are left out.
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

 protected:
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
