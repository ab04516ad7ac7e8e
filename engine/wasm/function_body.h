// VisitFunctionBody walks over the operators of a body and hands each to a visitor.
//
// The visitor has one method per operator of opcodes.def, named Visit + Name, with the immediates
// as arguments:
//
//   VisitI32Add()                      VisitBlock(BlockType)             VisitLocalGet(uint32_t)
//   VisitI32Const(int32_t)             VisitI64Const(int64_t)            VisitBr(uint32_t depth)
//   VisitF32Const(uint32_t bits)       VisitF64Const(uint64_t bits)      VisitBrTable(BrTableReader)
//   VisitI32Load(MemArg)               VisitMemoryGrow(MemoryIndex)      VisitCall(FunctionIndex)
//   VisitCallIndirect(TypeIndex, TableIndex)   VisitSelectTyped(ValueType)   VisitRefNull(HeapType)
//   VisitTryTable(BlockType, CatchReader)      VisitMemoryInit(DataIndex, MemoryIndex)
//   VisitMemoryCopy(MemoryIndex to, MemoryIndex from)      VisitTableInit(ElementIndex, TableIndex)
//   VisitV128Load8Lane(MemArg, uint8_t lane)               VisitV128Const(V128Bytes)
//
// TP_PARAMETERS_… below are the full list.  And besides:
//
//   static constexpr FeatureBits kFeatures   the operators it has methods for; a missing method of
//                                            these is a compile error
//   void BeginOperator(uint32_t offset)      before each operator; its byte offset in `code`
//   void VisitUnsupported(Opcode)            in place of an operator outside kFeatures; ends the walk
//   VisitLocals(uint32_t count, ValueType)   for each run of locals, before all operators
//   EndLocals()                              behind the last run
//
// A method returns void, or bool where false ends the walk.
//
// Errors   BodyResult.  What the visitor itself refuses it keeps itself (kStopped).
// Threads  As the visitor.
// Source   wasm core 5.4 and 5.5.13.
#pragma once

#include <cstdint>
#include <type_traits>

#include "absl/types/span.h"
#include "engine/wasm/body_cursor.h"
#include "engine/wasm/opcodes.h"

namespace tidepool::engine::wasm {

struct BodyResult {
  enum class Outcome : uint8_t { kDone, kMalformed, kStopped };
  Outcome outcome = Outcome::kDone;
  uint32_t offset = 0;         // Of the operator at which the walk ended, in `code`.
  const char* what = nullptr;  // kMalformed only.
};

// ---- Immediates: parameters of the method, and how they are read -------------------------------
// Each reader evaluates in order; arguments of a call would not.
// clang-format off
#define TP_PARAMETERS_None
#define TP_PARAMETERS_Block        ::tidepool::engine::wasm::BlockType type
#define TP_PARAMETERS_TryTable     ::tidepool::engine::wasm::BlockType type, ::tidepool::engine::wasm::CatchReader catches
#define TP_PARAMETERS_Label        uint32_t depth
#define TP_PARAMETERS_LabelTable   ::tidepool::engine::wasm::BrTableReader targets
#define TP_PARAMETERS_Function     ::tidepool::engine::wasm::FunctionIndex function
#define TP_PARAMETERS_Type         ::tidepool::engine::wasm::TypeIndex type
#define TP_PARAMETERS_Tag          ::tidepool::engine::wasm::TagIndex tag
#define TP_PARAMETERS_CallIndirect ::tidepool::engine::wasm::TypeIndex type, ::tidepool::engine::wasm::TableIndex table
#define TP_PARAMETERS_SelectType   ::tidepool::engine::wasm::ValueType type
#define TP_PARAMETERS_HeapType     ::tidepool::engine::wasm::HeapType heap
#define TP_PARAMETERS_CastBranch   ::tidepool::engine::wasm::CastBranch cast
#define TP_PARAMETERS_Local        uint32_t local
#define TP_PARAMETERS_Global       ::tidepool::engine::wasm::GlobalIndex global
#define TP_PARAMETERS_Table        ::tidepool::engine::wasm::TableIndex table
#define TP_PARAMETERS_TableTable   ::tidepool::engine::wasm::TableIndex to, ::tidepool::engine::wasm::TableIndex from
#define TP_PARAMETERS_Element      ::tidepool::engine::wasm::ElementIndex segment
#define TP_PARAMETERS_ElementTable ::tidepool::engine::wasm::ElementIndex segment, ::tidepool::engine::wasm::TableIndex table
#define TP_PARAMETERS_Memory       ::tidepool::engine::wasm::MemoryIndex memory
#define TP_PARAMETERS_MemoryMemory ::tidepool::engine::wasm::MemoryIndex to, ::tidepool::engine::wasm::MemoryIndex from
#define TP_PARAMETERS_Data         ::tidepool::engine::wasm::DataIndex segment
#define TP_PARAMETERS_DataMemory   ::tidepool::engine::wasm::DataIndex segment, ::tidepool::engine::wasm::MemoryIndex memory
#define TP_PARAMETERS_TypeField    ::tidepool::engine::wasm::TypeIndex type, uint32_t field
#define TP_PARAMETERS_TypeCount    ::tidepool::engine::wasm::TypeIndex type, uint32_t count
#define TP_PARAMETERS_TypeData     ::tidepool::engine::wasm::TypeIndex type, ::tidepool::engine::wasm::DataIndex segment
#define TP_PARAMETERS_TypeElement  ::tidepool::engine::wasm::TypeIndex type, ::tidepool::engine::wasm::ElementIndex segment
#define TP_PARAMETERS_TypeType     ::tidepool::engine::wasm::TypeIndex to, ::tidepool::engine::wasm::TypeIndex from
#define TP_PARAMETERS_I32          int32_t value
#define TP_PARAMETERS_I64          int64_t value
#define TP_PARAMETERS_F32          uint32_t bits
#define TP_PARAMETERS_F64          uint64_t bits
#define TP_PARAMETERS_V128         ::tidepool::engine::wasm::V128Bytes value
#define TP_PARAMETERS_Shuffle      ::tidepool::engine::wasm::V128Bytes lanes
#define TP_PARAMETERS_Lane2        uint8_t lane
#define TP_PARAMETERS_Lane4        uint8_t lane
#define TP_PARAMETERS_Lane8        uint8_t lane
#define TP_PARAMETERS_Lane16       uint8_t lane
#define TP_PARAMETERS_Fence
#define TP_PARAMETERS_MemArg1      ::tidepool::engine::wasm::MemArg access
#define TP_PARAMETERS_MemArg2      ::tidepool::engine::wasm::MemArg access
#define TP_PARAMETERS_MemArg4      ::tidepool::engine::wasm::MemArg access
#define TP_PARAMETERS_MemArg8      ::tidepool::engine::wasm::MemArg access
#define TP_PARAMETERS_MemArg16     ::tidepool::engine::wasm::MemArg access
#define TP_PARAMETERS_MemArgLane1  ::tidepool::engine::wasm::MemArg access, uint8_t lane
#define TP_PARAMETERS_MemArgLane2  ::tidepool::engine::wasm::MemArg access, uint8_t lane
#define TP_PARAMETERS_MemArgLane4  ::tidepool::engine::wasm::MemArg access, uint8_t lane
#define TP_PARAMETERS_MemArgLane8  ::tidepool::engine::wasm::MemArg access, uint8_t lane
#define TP_PARAMETERS_AtomicMemArg1 ::tidepool::engine::wasm::MemArg access
#define TP_PARAMETERS_AtomicMemArg2 ::tidepool::engine::wasm::MemArg access
#define TP_PARAMETERS_AtomicMemArg4 ::tidepool::engine::wasm::MemArg access
#define TP_PARAMETERS_AtomicMemArg8 ::tidepool::engine::wasm::MemArg access
// clang-format on

namespace function_body_internal {

template <typename Call>
bool Continue(Call&& call) {
  if constexpr (std::is_void_v<decltype(call())>) {
    call();
    return true;
  } else {
    return call();
  }
}

template <bool kChecked>
BrTableReader ReadBrTable(BodyCursor<kChecked>& cursor) {
  const uint32_t count = cursor.VarU32();
  const BrTableReader reader(cursor.position(), count);
  // A count that lies ends at the first read that does not fit.
  for (uint64_t left = uint64_t{count} + 1; left != 0 && !cursor.failed(); --left) cursor.VarU32();
  return reader;
}

template <bool kChecked>
CatchReader ReadCatches(BodyCursor<kChecked>& cursor) {
  const uint32_t count = cursor.VarU32();
  const CatchReader reader(cursor.position(), count);
  for (uint32_t left = count; left != 0 && !cursor.failed(); --left) {
    const uint8_t kind = cursor.U8();
    if (kind > 3) cursor.Fail("malformed catch clause");
    if (kind <= 1) cursor.VarU32();
    cursor.VarU32();
  }
  return reader;
}

// Reads the immediates of one operator and calls `call` with them, unless they are malformed.
// False: the walk ends.
template <Immediate kImmediate, bool kChecked, typename Call>
__attribute__((always_inline)) inline bool ReadAndCall(BodyCursor<kChecked>& cursor, Call&& call) {
  const auto with = [&](auto... arguments) __attribute__((always_inline)) {
    if (cursor.failed()) return false;
    return Continue([&]() __attribute__((always_inline)) { return call(arguments...); });
  };
  using enum Immediate;
  constexpr Immediate k = kImmediate;
  if constexpr (k == kNone) {
    return with();
  } else if constexpr (k == kFence) {
    if (cursor.U8() != 0) cursor.Fail("zero byte expected");
    return with();
  } else if constexpr (k == kBlock) {
    return with(cursor.BlockType());
  } else if constexpr (k == kTryTable) {
    const BlockType type = cursor.BlockType();
    return with(type, ReadCatches(cursor));
  } else if constexpr (k == kLabel || k == kLocal) {
    return with(cursor.VarU32());
  } else if constexpr (k == kLabelTable) {
    return with(ReadBrTable(cursor));
  } else if constexpr (k == kFunction) {
    return with(static_cast<FunctionIndex>(cursor.VarU32()));
  } else if constexpr (k == kType) {
    return with(static_cast<TypeIndex>(cursor.VarU32()));
  } else if constexpr (k == kTag) {
    return with(static_cast<TagIndex>(cursor.VarU32()));
  } else if constexpr (k == kGlobal) {
    return with(static_cast<GlobalIndex>(cursor.VarU32()));
  } else if constexpr (k == kTable) {
    return with(static_cast<TableIndex>(cursor.VarU32()));
  } else if constexpr (k == kElement) {
    return with(static_cast<ElementIndex>(cursor.VarU32()));
  } else if constexpr (k == kMemory) {
    return with(static_cast<MemoryIndex>(cursor.VarU32()));
  } else if constexpr (k == kData) {
    return with(static_cast<DataIndex>(cursor.VarU32()));
  } else if constexpr (k == kSelectType) {
    return with(cursor.SelectType());
  } else if constexpr (k == kHeapType) {
    return with(cursor.HeapType());
  } else if constexpr (k == kCastBranch) {
    return with(cursor.CastBranch());
  } else if constexpr (k == kI32) {
    return with(cursor.VarS32());
  } else if constexpr (k == kI64) {
    return with(cursor.VarS64());
  } else if constexpr (k == kF32) {
    return with(cursor.template Fixed<uint32_t>());
  } else if constexpr (k == kF64) {
    return with(cursor.template Fixed<uint64_t>());
  } else if constexpr (k == kV128 || k == kShuffle) {
    return with(V128Bytes{cursor.Skip(16)});
  } else if constexpr (k == kLane2 || k == kLane4 || k == kLane8 || k == kLane16) {
    return with(cursor.U8());
  } else if constexpr (k >= kMemArgLane1 && k <= kMemArgLane8) {
    const MemArg access = cursor.MemArg();
    return with(access, cursor.U8());
  } else if constexpr (AccessBytes(k) != 0) {
    return with(cursor.MemArg());
  } else {  // Two indexes.
    const uint32_t a = cursor.VarU32();
    const uint32_t b = cursor.VarU32();
    if constexpr (k == kCallIndirect) {
      return with(static_cast<TypeIndex>(a), static_cast<TableIndex>(b));
    } else if constexpr (k == kTableTable) {
      return with(static_cast<TableIndex>(a), static_cast<TableIndex>(b));
    } else if constexpr (k == kElementTable) {
      return with(static_cast<ElementIndex>(a), static_cast<TableIndex>(b));
    } else if constexpr (k == kMemoryMemory) {
      return with(static_cast<MemoryIndex>(a), static_cast<MemoryIndex>(b));
    } else if constexpr (k == kDataMemory) {
      return with(static_cast<DataIndex>(a), static_cast<MemoryIndex>(b));
    } else if constexpr (k == kTypeField || k == kTypeCount) {
      return with(static_cast<TypeIndex>(a), b);
    } else if constexpr (k == kTypeData) {
      return with(static_cast<TypeIndex>(a), static_cast<DataIndex>(b));
    } else if constexpr (k == kTypeElement) {
      return with(static_cast<TypeIndex>(a), static_cast<ElementIndex>(b));
    } else {
      static_assert(k == kTypeType);
      return with(static_cast<TypeIndex>(a), static_cast<TypeIndex>(b));
    }
  }
}

// One operator of those with this prefix byte (0: none).  False: the walk ends.
template <uint32_t kPrefix, bool kChecked, typename Visitor>
__attribute__((always_inline)) inline bool VisitOperator(uint32_t number,
                                                         BodyCursor<kChecked>& cursor,
                                                         FeatureBits features,
                                                         Visitor& visitor) {
  switch (kPrefix << 16 | number) {
    // A feature that is off makes the opcode unknown, as if it did not exist.
#define TP_OPCODE(code, name, text, immediate, signature, feature)                 \
  case code:                                                                       \
    if constexpr ((code) >> 16 == kPrefix) {                                       \
      if (kChecked && (features & FeatureBit(Feature::k##feature)) == 0) break;    \
      if constexpr ((Visitor::kFeatures & FeatureBit(Feature::k##feature)) == 0) { \
        visitor.VisitUnsupported(Opcode::k##name);                                 \
        return false;                                                              \
      } else {                                                                     \
        return ReadAndCall<Immediate::k##immediate>(                               \
            cursor, [&](auto... arguments) __attribute__((always_inline)) {        \
              return visitor.Visit##name(arguments...);                            \
            });                                                                    \
      }                                                                            \
    }                                                                              \
    break;
#include "engine/wasm/opcodes.def"
#undef TP_OPCODE
    default: break;
  }
  cursor.Fail("unknown operator");
  return false;
}

// Out of line: prefixed operators are rare, and the loop below is smaller without them.
template <uint32_t kPrefix, bool kChecked, typename Visitor>
__attribute__((noinline)) bool VisitPrefixedOperator(uint32_t number,
                                                     BodyCursor<kChecked>& cursor,
                                                     FeatureBits features,
                                                     Visitor& visitor) {
  return VisitOperator<kPrefix>(number, cursor, features, visitor);
}

// `cursor` is a copy, so that the loop's own never has an address and stays in registers.
template <bool kChecked, typename Visitor>
__attribute__((noinline)) bool VisitPrefixed(uint8_t prefix,
                                             BodyCursor<kChecked>& cursor,
                                             FeatureBits features,
                                             Visitor& visitor) {
  const uint32_t number = cursor.VarU32();
  if (cursor.failed()) return false;
  switch (prefix) {
    case 0xFB: return VisitPrefixedOperator<0xFB>(number, cursor, features, visitor);
    case 0xFC: return VisitPrefixedOperator<0xFC>(number, cursor, features, visitor);
    case 0xFD: return VisitPrefixedOperator<0xFD>(number, cursor, features, visitor);
    case 0xFE: return VisitPrefixedOperator<0xFE>(number, cursor, features, visitor);
    default: cursor.Fail("unknown operator"); return false;
  }
}

// The locals in front of the operators.  False: the walk ends.
template <bool kChecked, typename Visitor>
bool VisitLocals(BodyCursor<kChecked>& cursor, Visitor& visitor) {
  const uint32_t run_count = cursor.VarU32();
  uint64_t local_count = 0;
  for (uint32_t run = 0; run < run_count; ++run) {
    const uint32_t count = cursor.VarU32();
    const ValueType type = cursor.ValueType();
    local_count += count;
    if (kChecked && local_count > UINT32_MAX) cursor.Fail("too many locals");
    if (cursor.failed()) return false;
    if (!Continue([&] { return visitor.VisitLocals(count, type); })) return false;
  }
  if (cursor.failed()) return false;
  return Continue([&] { return visitor.EndLocals(); });
}

}  // namespace function_body_internal

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
