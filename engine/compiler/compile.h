// Compile: wasm bytes → artifact, the whole way.
//
// Errors   InvalidArgument: the module is malformed or invalid, at which byte and why.
//          ResourceExhausted, Unimplemented: from the backend.
// Threads  One call at a time per backend.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/compiler/backend.h"
#include "engine/compiler/compile_options.h"
#include "engine/compiler/compile_timings.h"
#include "engine/platform/mapped_region.h"

namespace tidepool::engine {

struct Artifact {
  MappedRegion file;
  absl::Span<const uint8_t> bytes;  // All of `file`.
  CompileTimings timings;
};

// The same input and options give the same bytes, always.
absl::StatusOr<Artifact> Compile(absl::Span<const uint8_t> wasm_bytes,
                                 const CompileOptions& options, Backend& backend);

}  // namespace tidepool::engine
