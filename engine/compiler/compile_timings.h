// CompileTimings: what one compilation took, phase by phase, and what it made.
#pragma once

#include <cstdint>

#include "engine/compiler/phase_timer.h"

namespace tidepool::engine {

struct CompileTimings {
  PhaseTime decode;
  PhaseTime validate;
  PhaseTime compile;
  PhaseTime write;
  uint64_t module_bytes = 0;
  uint64_t code_section_bytes = 0;  // What compile rates count.
  uint64_t text_bytes = 0;          // Machine code made of it.
  uint64_t artifact_bytes = 0;
  uint64_t memory_peak_bytes = 0;   // Of the process, so far.
  uint32_t function_count = 0;      // Defined ones.
};

}  // namespace tidepool::engine
