// TrapCode: why a guest stopped.  The numbers are part of the artifact ABI.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace tidepool::engine {

enum class TrapCode : uint8_t {
  kNone = 0,
  kUnreachable = 1,
  kIntegerDivideByZero = 2,
  kIntegerOverflow = 3,
  kInvalidConversionToInteger = 4,
  kMemoryOutOfBounds = 5,
  kTableOutOfBounds = 6,         // table.get, .set, .init, .copy, .fill
  kUndefinedElement = 7,         // call_indirect beyond the table's end
  kUninitializedElement = 8,     // call_indirect through a null entry
  kIndirectCallTypeMismatch = 9,
  kNullReference = 10,
  kCastFailure = 11,
  kArrayOutOfBounds = 12,
  kUnalignedAtomic = 13,
  kExpectedSharedMemory = 14,
  kStackOverflow = 15,
  kInterrupted = 16,             // A limit, a deadline or a kill: whoever asked knows which.
  kHostError = 17,               // A host function returned an error.
  kExit = 18,                    // The guest asked to end (WASI proc_exit).
};

// The specification's text for the class of the trap ("out of bounds memory access").
absl::string_view TrapText(TrapCode code);

}  // namespace tidepool::engine
