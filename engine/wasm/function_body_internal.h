// The inside of VisitFunctionBody: from the bytes of one operator to one call of the visitor.
#pragma once

#include <cstdint>
#include <type_traits>

#include "engine/wasm/body_cursor.h"
#include "engine/wasm/immediates.h"
#include "engine/wasm/opcodes.h"

namespace tidepool::engine::wasm {
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

// Reads with a copy of the cursor: for readers that are not inlined, and must not make the loop's
// cursor live in memory.
template <bool kChecked, typename Read>
[[gnu::always_inline]] inline auto Detached(BodyCursor<kChecked>& cursor, Read&& read) {
  BodyCursor<kChecked> copy = cursor;
  const auto value = read(copy);
  cursor = copy;
  return value;
}

// Calls with two indexes of the spaces that the immediate names.
template <Immediate kImmediate, typename Call>
__attribute__((always_inline)) inline bool CallWithPair(uint32_t a, uint32_t b, Call&& call) {
  using enum Immediate;
  constexpr Immediate k = kImmediate;
  if constexpr (k == kCallIndirect) {
    return call(static_cast<TypeIndex>(a), static_cast<TableIndex>(b));
  } else if constexpr (k == kTableTable) {
    return call(static_cast<TableIndex>(a), static_cast<TableIndex>(b));
  } else if constexpr (k == kElementTable) {
    return call(static_cast<ElementIndex>(a), static_cast<TableIndex>(b));
  } else if constexpr (k == kMemoryMemory) {
    return call(static_cast<MemoryIndex>(a), static_cast<MemoryIndex>(b));
  } else if constexpr (k == kDataMemory) {
    return call(static_cast<DataIndex>(a), static_cast<MemoryIndex>(b));
  } else if constexpr (k == kTypeField || k == kTypeCount) {
    return call(static_cast<TypeIndex>(a), b);
  } else if constexpr (k == kTypeData) {
    return call(static_cast<TypeIndex>(a), static_cast<DataIndex>(b));
  } else if constexpr (k == kTypeElement) {
    return call(static_cast<TypeIndex>(a), static_cast<ElementIndex>(b));
  } else {
    static_assert(k == kTypeType);
    return call(static_cast<TypeIndex>(a), static_cast<TypeIndex>(b));
  }
}

// Reads the immediates of one operator, in order, and calls `call` with them, unless they are
// malformed. False: the walk ends.
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
    return with(Detached(cursor, [](auto& copy) { return copy.BlockType(); }));
  } else if constexpr (k == kTryTable) {
    const BlockType type = Detached(cursor, [](auto& copy) { return copy.BlockType(); });
    return with(type, Detached(cursor, [](auto& copy) { return ReadCatches(copy); }));
  } else if constexpr (k == kLabel || k == kLocal) {
    return with(cursor.VarU32());
  } else if constexpr (k == kLabelTable) {
    return with(Detached(cursor, [](auto& copy) { return ReadBrTable(copy); }));
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
    return with(Detached(cursor, [](auto& copy) { return copy.SelectType(); }));
  } else if constexpr (k == kHeapType) {
    return with(Detached(cursor, [](auto& copy) { return copy.HeapType(); }));
  } else if constexpr (k == kCastBranch) {
    return with(Detached(cursor, [](auto& copy) { return copy.CastBranch(); }));
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
  } else {
    const uint32_t a = cursor.VarU32();
    const uint32_t b = cursor.VarU32();
    return CallWithPair<kImmediate>(a, b, with);
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
    default:
      break;
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
    case 0xFB:
      return VisitPrefixedOperator<0xFB>(number, cursor, features, visitor);
    case 0xFC:
      return VisitPrefixedOperator<0xFC>(number, cursor, features, visitor);
    case 0xFD:
      return VisitPrefixedOperator<0xFD>(number, cursor, features, visitor);
    case 0xFE:
      return VisitPrefixedOperator<0xFE>(number, cursor, features, visitor);
    default:
      cursor.Fail("unknown operator");
      return false;
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

}  // namespace tidepool::engine::wasm
