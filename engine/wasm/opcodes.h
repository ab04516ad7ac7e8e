// The operators of WebAssembly as an enum and as data, from the rows of opcodes.def.
//
// Shape    Opcode: the byte, or prefix << 16 | number behind the prefix.
// Threads  Immutable.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

#include "engine/wasm/features.h"

namespace tidepool::engine::wasm {

enum class Opcode : uint32_t {
#define TP_OPCODE(code, name, text, immediate, signature, feature) k##name = code,
#include "engine/wasm/opcodes.def"
#undef TP_OPCODE
};

// What follows the opcode.  A trailing number is bytes accessed (LaneN: number of lanes).
enum class Immediate : uint8_t {
  kNone,
  kBlock,       // Block type.
  kTryTable,    // Block type, catch clauses.
  kLabel,       // Depth.
  kLabelTable,  // Depths, default depth.
  kFunction,
  kType,
  kTag,
  kCallIndirect,  // Type, table.
  kSelectType,    // Vector of one value type.
  kHeapType,
  kCastBranch,  // Nullability flags, depth, heap type before and after.
  kLocal,
  kGlobal,
  kTable,
  kTableTable,  // Destination, source.
  kElement,
  kElementTable,  // Segment, table.
  kMemory,
  kMemoryMemory,  // Destination, source.
  kData,
  kDataMemory,   // Segment, memory.
  kTypeField,    // Struct type, field.
  kTypeCount,    // Array type, number of elements.
  kTypeData,     // Array type, segment.
  kTypeElement,  // Array type, segment.
  kTypeType,     // Destination, source.
  kI32,
  kI64,
  kF32,
  kF64,
  kV128,
  kShuffle,  // 16 lane numbers.
  kLane2,
  kLane4,
  kLane8,
  kLane16,
  kFence,  // One zero byte.
  kMemArg1,
  kMemArg2,
  kMemArg4,
  kMemArg8,
  kMemArg16,
  kMemArgLane1,  // Memory argument, lane number.
  kMemArgLane2,
  kMemArgLane4,
  kMemArgLane8,
  kAtomicMemArg1,
  kAtomicMemArg2,
  kAtomicMemArg4,
  kAtomicMemArg8,
};

// Bytes a memory access touches; 0 for any other immediate.
constexpr uint32_t AccessBytes(Immediate immediate) {
  switch (immediate) {
    case Immediate::kMemArg1:
    case Immediate::kMemArgLane1:
    case Immediate::kAtomicMemArg1:
      return 1;
    case Immediate::kMemArg2:
    case Immediate::kMemArgLane2:
    case Immediate::kAtomicMemArg2:
      return 2;
    case Immediate::kMemArg4:
    case Immediate::kMemArgLane4:
    case Immediate::kAtomicMemArg4:
      return 4;
    case Immediate::kMemArg8:
    case Immediate::kMemArgLane8:
    case Immediate::kAtomicMemArg8:
      return 8;
    case Immediate::kMemArg16:
      return 16;
    default:
      return 0;
  }
}

// One operand or result of a fixed signature; kAddress: i32 or i64, as the memory has it.
enum class Operand : uint8_t { kI32, kI64, kF32, kF64, kV128, kAddress };

struct Signature {
  bool special = false;  // Depends on context; the rest is empty.
  uint8_t param_count = 0;
  uint8_t result_count = 0;
  Operand params[4] = {};
  Operand results[2] = {};
};

// Reads the notation of opcodes.def: "PI32_to_I64", "to_I32", "I32_to", "Nothing", "Special".
constexpr Signature ParseSignature(const char* text) {
  Signature signature;
  if (text[0] == 'S') signature.special = true;
  if (text[0] == 'S' || text[0] == 'N') return signature;
  bool results = false;
  while (*text != 0) {
    if (*text == '_') ++text;
    if (*text == 't') {  // "to"
      results = true;
      text += 2;
      continue;
    }
    Operand operand = Operand::kAddress;
    int length = 1;
    if (*text == 'V') {
      operand = Operand::kV128;
      length = 4;
    } else if (*text != 'P') {
      const bool wide = text[1] == '6';
      operand = *text == 'I' ? (wide ? Operand::kI64 : Operand::kI32)
                             : (wide ? Operand::kF64 : Operand::kF32);
      length = 3;
    }
    if (results) {
      signature.results[signature.result_count++] = operand;
    } else {
      signature.params[signature.param_count++] = operand;
    }
    text += length;
  }
  return signature;
}

enum class Feature : uint8_t {
  kCore,
  kSimd,
  kRelaxedSimd,
  kTailCall,
  kFunctionReferences,
  kGc,
  kExceptions,
  kThreads,
  kWideArithmetic,
};

// A set of Feature, for compile-time use: FeatureBit(a) | FeatureBit(b).
using FeatureBits = uint32_t;
constexpr FeatureBits FeatureBit(Feature feature) {
  return 1u << static_cast<uint32_t>(feature);
}
inline constexpr FeatureBits kAllFeatures = ~FeatureBits{0};

// The operators that `features` turns on.
constexpr FeatureBits OperatorFeatures(const Features& features) {
  const auto bit = [](bool on, Feature feature) { return on ? FeatureBit(feature) : 0; };
  return FeatureBit(Feature::kCore) | bit(features.simd, Feature::kSimd) |
         bit(features.relaxed_simd, Feature::kRelaxedSimd) |
         bit(features.tail_call, Feature::kTailCall) |
         bit(features.function_references, Feature::kFunctionReferences) |
         bit(features.gc, Feature::kGc) | bit(features.exceptions, Feature::kExceptions) |
         bit(features.threads, Feature::kThreads) |
         bit(features.wide_arithmetic, Feature::kWideArithmetic);
}

// One row of opcodes.def.
struct OpcodeInfo {
  Opcode opcode;
  absl::string_view text;  // "i32.add"; "select" and "ref.cast" stand for two opcodes each.
  Immediate immediate;
  Signature signature;
  Feature feature;
};

// Null if no such opcode exists.
const OpcodeInfo* FindOpcode(uint32_t code);

// "i32.add"; "(no operator)" for a number that is none.
absl::string_view ToString(Opcode opcode);

}  // namespace tidepool::engine::wasm
