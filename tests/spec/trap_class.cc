#include "tests/spec/trap_class.h"

#include <initializer_list>

namespace tidepool::spec {
namespace {

using engine::TrapCode;

struct TrapClass {
  std::string_view text;
  std::initializer_list<TrapCode> codes;
};

// The longer of two texts that begin alike stands first.
const TrapClass kClasses[] = {
    {"unreachable", {TrapCode::kUnreachable}},
    {"integer divide by zero", {TrapCode::kIntegerDivideByZero}},
    {"integer overflow", {TrapCode::kIntegerOverflow}},
    {"invalid conversion to integer", {TrapCode::kInvalidConversionToInteger}},
    // fuzz/vectors: one text for both.
    {"float conversion", {TrapCode::kIntegerOverflow, TrapCode::kInvalidConversionToInteger}},
    {"out of bounds memory access", {TrapCode::kMemoryOutOfBounds}},
    {"out of bounds table access", {TrapCode::kTableOutOfBounds, TrapCode::kUndefinedElement}},
    {"out of bounds array access", {TrapCode::kArrayOutOfBounds}},
    {"out of bounds",
     {TrapCode::kMemoryOutOfBounds,
      TrapCode::kTableOutOfBounds,
      TrapCode::kUndefinedElement,
      TrapCode::kArrayOutOfBounds}},
    {"undefined element", {TrapCode::kTableOutOfBounds, TrapCode::kUndefinedElement}},
    {"uninitialized element", {TrapCode::kUninitializedElement}},
    {"indirect call type mismatch", {TrapCode::kIndirectCallTypeMismatch}},
    {"call type mismatch", {TrapCode::kIndirectCallTypeMismatch}},
    {"null", {TrapCode::kNullReference}},  // "null reference", "null … reference".
    {"cast failure", {TrapCode::kCastFailure}},
    {"unaligned atomic", {TrapCode::kUnalignedAtomic}},
    {"expected shared memory", {TrapCode::kExpectedSharedMemory}},
    {"call stack exhausted", {TrapCode::kStackOverflow}},
};

}  // namespace

bool TrapIsOfClass(TrapCode code, std::string_view text) {
  for (const TrapClass& trap_class : kClasses) {
    if (!text.starts_with(trap_class.text)) continue;
    for (const TrapCode wanted : trap_class.codes) {
      if (wanted == code) return true;
    }
    return false;
  }
  return false;
}

}  // namespace tidepool::spec
