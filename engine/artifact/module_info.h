// ModuleInfo: what an artifact says about its module, apart from code.
//
// The compiler's side writes it from a ValidatedModule (info_writer.h); the loader's side reads it
// back (info_reader.h).  So runtime, pool and daemon never see wasm bytes.
//
// Shape    Long lists of numbers are spans over the mapped file, not copies.
// Life     Text, bytes and spans point into the mapped artifact, which must outlive this.
// Threads  Immutable once made.
// Trust    Every index in here has been checked against the space it belongs to, every span lies
//          inside its section, and extents lie inside what their memory or table begins with.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "engine/abi/vm_context.h"
#include "engine/wasm/module.h"
#include "engine/wasm/types.h"

namespace tidepool::engine {

// A constant expression in the forms that the runtime evaluates.
struct InitExpression {
  wasm::ConstantExpression::Form form = wasm::ConstantExpression::Form::kI32;
  uint64_t value = 0;   // Bits; of a vector the low half.
  uint64_t high = 0;
  uint32_t index = 0;   // Of a global or function.
  absl::Span<const uint8_t> code;  // kOther only: the expression's bytes.
};

struct InfoGlobal {
  wasm::GlobalType type;
  InitExpression init;  // Defined ones only.
};

struct InfoTable {
  wasm::TableType type;
  bool has_init = false;
  InitExpression init;  // Defined ones only; null without.
};

// Data that is not already part of an instance image: passive, or active with an offset or a bound
// known only at instantiation.
struct InfoDataSegment {
  wasm::SegmentMode mode = wasm::SegmentMode::kPassive;
  bool in_image = false;  // Active, already applied: starts dropped, nothing to do.
  uint32_t memory = 0;
  InitExpression offset;
  absl::Span<const uint8_t> bytes;  // Empty when in_image.
};

struct InfoElementSegment {
  wasm::SegmentMode mode = wasm::SegmentMode::kPassive;
  bool in_image = false;  // Active on a defined table, constant and in bounds: part of table_images, starts
                          // dropped, and has no entries here.
  uint32_t table = 0;
  InitExpression offset;
  wasm::ValueType type;
  // Exactly one of the two is used.
  bool has_expressions = false;
  absl::Span<const uint32_t> functions;
  std::vector<InitExpression> expressions;
  size_t count() const { return has_expressions ? expressions.size() : functions.size(); }
};

// A run of consecutive entries of a defined table in the instance image, over what the table's own
// initialiser gives.  Extents may overlap; the later one wins.
struct TableExtent {
  uint32_t table = 0;  // Ordinal among the defined tables.
  uint64_t first = 0;
  absl::Span<const uint32_t> functions;  // Function indexes; UINT32_MAX is null.
};

// A page-aligned run of a defined memory's initial contents; what no extent covers is zero.
struct MemoryExtent {
  uint32_t memory = 0;           // Ordinal among the defined memories.
  uint64_t offset_bytes = 0;     // In the memory; a multiple of the host page.
  absl::Span<const uint8_t> bytes;  // In the file a multiple of the host page, page-aligned there.
  uint64_t file_offset_bytes = 0;   // Where `bytes` lies in the artifact.
};

struct ModuleInfo {
  std::vector<wasm::FunctionType> types;
  std::vector<wasm::Import> imports;
  std::vector<wasm::Export> exports;
  absl::Span<const uint32_t> function_types;  // Type index of every function, imports first.
  std::vector<InfoTable> tables;         // Imports first, in all of these.
  std::vector<wasm::MemoryType> memories;
  std::vector<InfoGlobal> globals;
  std::vector<uint32_t> tag_types;
  std::optional<uint32_t> start;

  abi::VmContextCounts counts;
  absl::Span<const uint32_t> escaping_functions;  // Function indexes by ordinal, ascending.

  // Segments are applied in order: elements, then data.  Only the longest run without anything
  // that could trap or depend on an import is in the image, so that what a failed instantiation
  // leaves behind is exactly what the specification says.
  // Where no instruction can name a data segment (no data count section), those in the image are
  // left out of `data` and of counts.data_segments.
  std::vector<InfoElementSegment> elements;
  std::vector<InfoDataSegment> data;
  std::vector<TableExtent> table_images;
  std::vector<MemoryExtent> memory_images;

  absl::Span<const uint32_t> exports_by_name;  // Indexes into `exports`, sorted by name.

  // `_start` command, reactor and so on are for others to tell; this finds a name in O(log n).
  const wasm::Export* FindExport(absl::string_view name) const;
};

}  // namespace tidepool::engine
