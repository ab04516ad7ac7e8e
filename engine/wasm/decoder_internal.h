// The decoder's state while it walks a module: one cursor, one section at a time.
//
// Each Read… method reads one section's contents and leaves the cursor behind them.
// Threads  One thread at a time.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "engine/wasm/body_cursor.h"
#include "engine/wasm/features.h"
#include "engine/wasm/module.h"

namespace tidepool::engine::wasm {

class Decoder {
 public:
  Decoder(absl::Span<const uint8_t> bytes, const Features& features)
      : bytes_(bytes), features_(features), cursor_(bytes, features) {
    module_.bytes = bytes;
  }
  absl::StatusOr<Module> Decode();

 private:
  // decoder.cc: the module's frame.
  absl::Status ReadHeader();
  absl::Status ReadSections();
  absl::Status ReadSection(uint8_t id);
  absl::Status ReadCustomSection();
  absl::Status CheckWhole() const;

  // decode_declarations.cc: sections that declare.
  absl::Status ReadTypes();
  absl::Status ReadFunctionType(FunctionType* type);
  absl::Status ReadValueTypes(uint32_t count_max, const char* what, std::vector<ValueType>* types);
  absl::Status ReadImports();
  absl::Status ReadImport();
  absl::Status ReadFunctions();
  absl::Status ReadTables();
  absl::Status ReadMemories();
  absl::Status ReadTags();
  absl::Status ReadGlobals();
  absl::Status ReadExports();
  absl::Status ReadLimits(bool of_memory,
                          Limits64* limits,
                          AddressType* address,
                          bool* shared,
                          uint8_t* page_bytes_log2);
  absl::Status ReadTableType(TableType* type);
  absl::Status ReadMemoryType(MemoryType* type);
  absl::Status ReadGlobalType(GlobalType* type);
  absl::Status ReadTag(Tag* tag);

  // decode_contents.cc: sections that fill.
  absl::Status ReadStart();
  absl::Status ReadElements();
  absl::Status ReadElementSegment(ElementSegment* segment);
  absl::Status ReadElementEntries(ElementSegment* segment);
  absl::Status ReadDataCount();
  absl::Status ReadBodies();
  absl::Status ReadData();
  absl::Status ReadDataSegment(DataSegment* segment);

  // decode_constant_expression.cc
  absl::Status ReadConstantExpression(ConstantExpression* expression);
  absl::Status ReadConstantOperator(uint8_t code, ConstantExpression* simple);

  // A vector's length, already held against the limit and against the bytes that are left, of which
  // each entry needs at least `entry_bytes_min`.  So it may be reserved.
  absl::StatusOr<uint32_t> ReadCount(const char* what,
                                     uint64_t count_max,
                                     uint32_t entry_bytes_min);
  absl::StatusOr<absl::string_view> ReadName(const char* what);

  // Of the next byte, in the module.
  uint32_t offset() const { return static_cast<uint32_t>(cursor_.position() - bytes_.data()); }
  uint32_t remaining() const { return static_cast<uint32_t>(cursor_.end() - cursor_.position()); }
  // The cursor's failure, if it has one.
  absl::Status Check() const;
  absl::Status Error(const std::string& message) const { return ErrorAt(offset(), message); }
  static absl::Status ErrorAt(uint32_t offset, const std::string& message);

  const absl::Span<const uint8_t> bytes_;
  const Features& features_;
  BodyCursor<true> cursor_;  // Ends where the current section ends.
  Module module_;
  uint32_t declared_function_count_ = 0;  // By the function section.
};

}  // namespace tidepool::engine::wasm
