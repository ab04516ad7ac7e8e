#include "engine/abi/trap_code.h"

namespace tidepool::engine {

absl::string_view TrapText(TrapCode code) {
  switch (code) {
    case TrapCode::kNone: return "no trap";
    case TrapCode::kUnreachable: return "unreachable";
    case TrapCode::kIntegerDivideByZero: return "integer divide by zero";
    case TrapCode::kIntegerOverflow: return "integer overflow";
    case TrapCode::kInvalidConversionToInteger: return "invalid conversion to integer";
    case TrapCode::kMemoryOutOfBounds: return "out of bounds memory access";
    case TrapCode::kTableOutOfBounds: return "out of bounds table access";
    case TrapCode::kUndefinedElement: return "undefined element";
    case TrapCode::kUninitializedElement: return "uninitialized element";
    case TrapCode::kIndirectCallTypeMismatch: return "indirect call type mismatch";
    case TrapCode::kNullReference: return "null reference";
    case TrapCode::kCastFailure: return "cast failure";
    case TrapCode::kArrayOutOfBounds: return "out of bounds array access";
    case TrapCode::kUnalignedAtomic: return "unaligned atomic";
    case TrapCode::kExpectedSharedMemory: return "expected shared memory";
    case TrapCode::kStackOverflow: return "call stack exhausted";
    case TrapCode::kInterrupted: return "interrupted";
    case TrapCode::kHostError: return "host function failed";
    case TrapCode::kExit: return "guest exited";
  }
  return "unknown trap";
}

}  // namespace tidepool::engine
