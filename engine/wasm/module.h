// A decoded module: what its sections declare, with function bodies left as bytes.
//
// Shape    Index spaces hold imports first, then definitions, as in the specification.
// Life     Module: the outcome of Decode, declarations not yet checked against each other.
//          ValidatedModule: the outcome of Validate; the only thing a compiler accepts.
// Threads  Immutable once made.  Both refer to the module's bytes, which must outlive them.
// Source   wasm core 2.5 and 5.5.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "engine/wasm/types.h"

namespace tidepool::engine::wasm {

enum class ExternalKind : uint8_t { kFunction = 0, kTable = 1, kMemory = 2, kGlobal = 3, kTag = 4 };

struct Import {
  absl::string_view module;
  absl::string_view name;
  ExternalKind kind = ExternalKind::kFunction;
  uint32_t index = 0;  // In the index space of its kind; its type is found there.
};

struct Export {
  absl::string_view name;
  ExternalKind kind = ExternalKind::kFunction;
  uint32_t index = 0;
};

// A constant expression, kept as its bytes (with the final `end`), and folded where it is one of
// the simple forms that nearly all modules use.
struct ConstantExpression {
  enum class Form : uint8_t {
    kI32,        // value
    kI64,        // value
    kF32,        // value (bits)
    kF64,        // value (bits)
    kRefNull,    // type
    kRefFunc,    // index
    kGlobalGet,  // index
    kOther,      // Evaluate `code`: extended constants, vectors, GC.
  };
  Form form = Form::kOther;
  uint64_t value = 0;
  uint32_t index = 0;
  ValueType type;
  absl::Span<const uint8_t> code;
  uint32_t offset = 0;  // Of `code` in the module.
};

struct Function {
  TypeIndex type{};
};

struct FunctionBody {
  absl::Span<const uint8_t> code;  // Locals and instructions, without the size in front.
  uint32_t offset = 0;             // Of `code` in the module.
};

struct Table {
  TableType type;
  bool has_init = false;
  ConstantExpression init;
};

struct Memory {
  MemoryType type;
};

struct Global {
  GlobalType type;
  ConstantExpression init;  // Only of defined globals.
};

struct Tag {
  TypeIndex type{};
};

enum class SegmentMode : uint8_t { kActive, kPassive, kDeclarative };

struct DataSegment {
  SegmentMode mode = SegmentMode::kPassive;
  MemoryIndex memory{};
  ConstantExpression offset;
  absl::Span<const uint8_t> bytes;
};

struct ElementSegment {
  SegmentMode mode = SegmentMode::kPassive;
  TableIndex table{};
  ConstantExpression offset;
  ValueType type = ValueType::FuncRef();
  // Exactly one of the two is used: plain function indexes, or expressions.
  bool has_expressions = false;
  std::vector<FunctionIndex> functions;
  std::vector<ConstantExpression> expressions;
  size_t count() const { return has_expressions ? expressions.size() : functions.size(); }
};

struct CustomSection {
  absl::string_view name;
  absl::Span<const uint8_t> bytes;
};

struct Module {
  absl::Span<const uint8_t> bytes;  // The whole module.

  std::vector<FunctionType> types;
  std::vector<Import> imports;
  std::vector<Function> functions;
  std::vector<Table> tables;
  std::vector<Memory> memories;
  std::vector<Global> globals;
  std::vector<Tag> tags;
  std::vector<Export> exports;
  std::optional<FunctionIndex> start;
  std::vector<ElementSegment> elements;
  std::vector<DataSegment> data;
  std::optional<uint32_t> data_count;
  std::vector<FunctionBody> bodies;  // Of defined functions, in order.
  std::vector<CustomSection> custom_sections;
  uint32_t code_section_bytes = 0;  // Contents of the code section; what compile rates count.

  uint32_t imported_function_count = 0;
  uint32_t imported_table_count = 0;
  uint32_t imported_memory_count = 0;
  uint32_t imported_global_count = 0;
  uint32_t imported_tag_count = 0;

  const FunctionType& TypeOf(FunctionIndex function) const {
    return types[ToInt(functions[ToInt(function)].type)];
  }
  bool IsImported(FunctionIndex function) const {
    return ToInt(function) < imported_function_count;
  }
  // Only for a defined function.
  const FunctionBody& BodyOf(FunctionIndex function) const {
    return bodies[ToInt(function) - imported_function_count];
  }
};

// A module whose types agree, in every declaration and every body.  Only Validate makes one.
class ValidatedModule {
 public:
  const Module& module() const { return module_; }
  // True where a function's address can leave the module's direct calls: exported, in an element
  // segment, in ref.func, or in a global's initialiser.  Such a function has a FunctionRecord.
  bool Escapes(FunctionIndex function) const { return escapes_[ToInt(function)]; }

 private:
  friend class Validator;
  ValidatedModule(Module module, std::vector<bool> escapes)
      : module_(std::move(module)), escapes_(std::move(escapes)) {}
  Module module_;
  std::vector<bool> escapes_;
};

}  // namespace tidepool::engine::wasm
