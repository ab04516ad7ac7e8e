// The decoder's part for sections that fill: start, elements, code, data.

#include "absl/strings/str_cat.h"

#include "engine/support/status_macros.h"
#include "engine/wasm/decoder_internal.h"
#include "engine/wasm/limits.h"

namespace tidepool::engine::wasm {
namespace {

// Flags of an element segment (wasm core 5.5.12).
enum ElementFlag : uint32_t {
  kNotActive = 1,    // Passive, or declarative with kExplicit.
  kExplicit = 2,     // Active: the table is named.
  kExpressions = 4,  // Entries are constant expressions, not function indexes.
  kElementFlagsEnd = 8,
};

}  // namespace

absl::Status Decoder::ReadStart() {
  module_.start = static_cast<FunctionIndex>(cursor_.VarU32());
  return Check();
}

absl::Status Decoder::ReadElements() {
  TP_ASSIGN_OR_RETURN(const uint32_t count,
                      ReadCount("element segments", kElementSegmentCountMax, 3));
  module_.elements.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    TP_RETURN_IF_ERROR(ReadElementSegment(&module_.elements.emplace_back()));
  }
  return absl::OkStatus();
}

absl::Status Decoder::ReadElementSegment(ElementSegment* segment) {
  const uint32_t start = offset();
  const uint32_t flags = cursor_.VarU32();
  TP_RETURN_IF_ERROR(Check());
  if (flags >= kElementFlagsEnd) {
    return ErrorAt(start, absl::StrCat("malformed element segment flags ", flags));
  }
  segment->has_expressions = (flags & kExpressions) != 0;
  // What names neither table nor kind has function entries for table 0.
  const bool has_kind = (flags & (kNotActive | kExplicit)) != 0;
  if ((flags & kNotActive) != 0) {
    segment->mode = (flags & kExplicit) != 0 ? SegmentMode::kDeclarative : SegmentMode::kPassive;
  } else {
    segment->mode = SegmentMode::kActive;
    if ((flags & kExplicit) != 0) segment->table = static_cast<TableIndex>(cursor_.VarU32());
    TP_RETURN_IF_ERROR(Check());
    TP_RETURN_IF_ERROR(ReadConstantExpression(&segment->offset));
  }
  // Function indexes are never null.
  if (!segment->has_expressions && features_.function_references) {
    segment->type = ValueType::Ref(HeapType::kFunc, /*nullable=*/false);
  }
  if (has_kind && segment->has_expressions) {
    segment->type = cursor_.ValueType();
    if (!segment->type.is_ref()) cursor_.Fail("malformed reference type of an element segment");
  } else if (has_kind && cursor_.U8() != 0) {
    cursor_.Fail("malformed element kind");
  }
  TP_RETURN_IF_ERROR(Check());
  return ReadElementEntries(segment);
}

absl::Status Decoder::ReadElementEntries(ElementSegment* segment) {
  // An expression has an operator of two bytes, and an end.
  TP_ASSIGN_OR_RETURN(const uint32_t count,
                      ReadCount("entries of an element segment",
                                kElementSegmentEntryCountMax,
                                segment->has_expressions ? 3 : 1));
  if (!segment->has_expressions) {
    segment->functions.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
      segment->functions.push_back(static_cast<FunctionIndex>(cursor_.VarU32()));
    }
    return Check();
  }
  segment->expressions.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    TP_RETURN_IF_ERROR(ReadConstantExpression(&segment->expressions.emplace_back()));
  }
  return absl::OkStatus();
}

absl::Status Decoder::ReadDataCount() {
  module_.data_count = cursor_.VarU32();
  return Check();
}

absl::Status Decoder::ReadBodies() {
  module_.code_section_bytes = remaining();
  TP_ASSIGN_OR_RETURN(const uint32_t count, ReadCount("function bodies", kFunctionCountMax, 3));
  if (count != declared_function_count_) {
    return Error(absl::StrCat("function section declares ",
                              declared_function_count_,
                              " functions, code section has ",
                              count));
  }
  module_.bodies.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t start = offset();
    const uint32_t size = cursor_.VarU32();
    FunctionBody body;
    body.offset = offset();
    body.code = absl::MakeConstSpan(cursor_.Skip(size), size);
    TP_RETURN_IF_ERROR(Check());
    if (size > kFunctionBodyBytesMax) {
      return ErrorAt(start,
                     absl::StrCat("body of function ",
                                  module_.imported_function_count + i,
                                  " has ",
                                  size,
                                  " bytes, the limit is ",
                                  kFunctionBodyBytesMax));
    }
    module_.bodies.push_back(body);
  }
  return absl::OkStatus();
}

absl::Status Decoder::ReadData() {
  TP_ASSIGN_OR_RETURN(const uint32_t count, ReadCount("data segments", kDataSegmentCountMax, 2));
  module_.data.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    TP_RETURN_IF_ERROR(ReadDataSegment(&module_.data.emplace_back()));
  }
  return absl::OkStatus();
}

absl::Status Decoder::ReadDataSegment(DataSegment* segment) {
  const uint32_t start = offset();
  const uint32_t flags = cursor_.VarU32();
  TP_RETURN_IF_ERROR(Check());
  if (flags > 2) return ErrorAt(start, absl::StrCat("malformed data segment flags ", flags));
  segment->mode = flags == 1 ? SegmentMode::kPassive : SegmentMode::kActive;
  if (flags == 2) segment->memory = static_cast<MemoryIndex>(cursor_.VarU32());
  TP_RETURN_IF_ERROR(Check());
  if (segment->mode == SegmentMode::kActive) {
    TP_RETURN_IF_ERROR(ReadConstantExpression(&segment->offset));
  }
  const uint32_t size = cursor_.VarU32();
  segment->bytes = absl::MakeConstSpan(cursor_.Skip(size), size);
  return Check();
}

}  // namespace tidepool::engine::wasm
