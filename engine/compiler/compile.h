// Compile: wasm bytes → artifact, the whole way.
//
// Errors   InvalidArgument: the module is malformed or invalid, at which byte and why.
//          ResourceExhausted, Unimplemented: from the backend.
// Threads  One call at a time per backend.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/compiler/backend.h"
#include "engine/compiler/compile_options.h"
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

struct Artifact {
  std::vector<uint8_t> bytes;  // The whole file.
  CompileTimings timings;
};

// The same input and options give the same bytes, always.
absl::StatusOr<Artifact> Compile(absl::Span<const uint8_t> wasm_bytes,
                                 const CompileOptions& options, Backend& backend);

}  // namespace tidepool::engine
