// VisitFunctionBody walks over the operators of a body and hands each to a visitor.
//
// The visitor has one method per operator of opcodes.def, named Visit + Name, with the immediates
// as arguments:
//
//   VisitI32Add()                      VisitBlock(BlockType)             VisitLocalGet(uint32_t)
//   VisitI32Const(int32_t)             VisitI64Const(int64_t)            VisitBr(uint32_t depth)
//   VisitF32Const(uint32_t bits)       VisitF64Const(uint64_t bits) VisitBrTable(BrTableReader)
//   VisitI32Load(MemArg)               VisitMemoryGrow(MemoryIndex)      VisitCall(FunctionIndex)
//   VisitCallIndirect(TypeIndex, TableIndex)   VisitSelectTyped(ValueType)   VisitRefNull(HeapType)
//   VisitTryTable(BlockType, CatchReader)      VisitMemoryInit(DataIndex, MemoryIndex)
//   VisitMemoryCopy(MemoryIndex to, MemoryIndex from)      VisitTableInit(ElementIndex, TableIndex)
//   VisitV128Load8Lane(MemArg, uint8_t lane)               VisitV128Const(V128Bytes)
//
// visitor_parameters.h has the full list.  And besides:
//
//   static constexpr FeatureBits kFeatures   the operators it has methods for; a missing method of
//                                            these is a compile error
//   void BeginOperator(uint32_t offset)      before each operator; its byte offset in `code`
//   void VisitUnsupported(Opcode)            in place of an operator outside kFeatures; ends the
//   walk VisitLocals(uint32_t count, ValueType)   for each run of locals, before all operators
//   EndLocals()                              behind the last run
//
// A method returns void, or bool where false ends the walk.
//
// Errors   BodyResult.  What the visitor itself refuses it keeps itself (kStopped).
// Threads  As the visitor.
// Source   wasm core 5.4 and 5.5.13.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

#include "engine/wasm/body_cursor.h"
#include "engine/wasm/function_body_internal.h"
#include "engine/wasm/immediates.h"
#include "engine/wasm/opcodes.h"
#include "engine/wasm/visitor_parameters.h"

namespace tidepool::engine::wasm {

struct BodyResult {
  enum class Outcome : uint8_t { kDone, kMalformed, kStopped };
  Outcome outcome = Outcome::kDone;
  uint32_t offset = 0;         // Of the operator at which the walk ended, in `code`.
  const char* what = nullptr;  // kMalformed only.
};

// Walks `code`, from its first operator to its last byte.  Whether the last operator is the `end`
// that closes the body is for the visitor to know.
template <bool kChecked, typename Visitor>
BodyResult VisitOperators(BodyCursor<kChecked> cursor, const Features& features, Visitor& visitor) {
  namespace internal = function_body_internal;
  const FeatureBits feature_bits = kChecked ? OperatorFeatures(features) : kAllFeatures;
  uint32_t offset = cursor.offset();
  while (!cursor.at_end()) {
    offset = cursor.offset();
    visitor.BeginOperator(offset);
    const uint8_t byte = cursor.U8();
    bool more;
    if (byte < 0xFB) {
      more = internal::VisitOperator<0>(byte, cursor, feature_bits, visitor);
    } else {
      BodyCursor<kChecked> copy = cursor;
      more = internal::VisitPrefixed(byte, copy, feature_bits, visitor);
      cursor = copy;
    }
    if (__builtin_expect(!more, 0)) {
      if (cursor.failed()) return {BodyResult::Outcome::kMalformed, offset, cursor.failure()};
      return {BodyResult::Outcome::kStopped, offset, nullptr};
    }
  }
  return {BodyResult::Outcome::kDone, offset, nullptr};
}

// Walks a whole body, locals first.  kChecked = false only for a body of a ValidatedModule;
// `features` is not looked at then.
template <bool kChecked, typename Visitor>
BodyResult VisitFunctionBody(absl::Span<const uint8_t> code,
                             const Features& features,
                             Visitor& visitor) {
  BodyCursor<kChecked> cursor(code, features);
  if (!function_body_internal::VisitLocals(cursor, visitor)) {
    if (cursor.failed()) {
      return {BodyResult::Outcome::kMalformed, cursor.offset(), cursor.failure()};
    }
    return {BodyResult::Outcome::kStopped, cursor.offset(), nullptr};
  }
  return VisitOperators(cursor, features, visitor);
}

}  // namespace tidepool::engine::wasm
