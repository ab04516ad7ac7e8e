// What a function's body leaves for its end: ways out that are rarely or never taken, and tables.
//
// Threads  Values.
#pragma once

#include <cstdint>

#include "engine/abi/trap_code.h"
#include "engine/x64/label.h"

namespace tidepool::engine::baseline {

// A trap, or (kNone) an interrupt check's call, which resumes.
struct OutOfLine {
  x64::Label entry;
  TrapCode trap = TrapCode::kNone;
  uint32_t wasm_offset = 0;
  x64::Label resume;
};

// 32-bit distances from the table's start.
struct JumpTable {
  x64::Label start;
  uint32_t first_target = 0;  // In FunctionCompiler::jump_targets_.
  uint32_t count = 0;
};

}  // namespace tidepool::engine::baseline
