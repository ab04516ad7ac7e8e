// Trap: how a guest call ended other than by returning.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "engine/abi/trap_code.h"
#include "engine/runtime/value.h"

namespace tidepool::engine {

// One guest frame, innermost first.
struct BacktraceFrame {
  uint32_t function_index = 0;
  std::string function_name;  // Empty when the module has no name for it.
  uint32_t wasm_offset = 0;   // Byte offset in the module; 0 without an address map.
};

struct Trap {
  TrapCode code = TrapCode::kNone;
  std::string message;  // TrapText(code), and what is known beyond it ("… at address 0x10000").
  std::vector<BacktraceFrame> backtrace;
  bool backtrace_truncated = false;
};

// "wasm trap: unreachable\n    0: name (func 3) @ 0x1f\n …"
std::string ToString(const Trap& trap);

// What the *guest* did: results, or a trap.  A Status beside it is about *us*.
using CallResult = std::variant<Values, Trap>;

}  // namespace tidepool::engine
