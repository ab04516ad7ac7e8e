// WriteArtifact: a validated module and its code become one file.
//
// Errors   ResourceExhausted: the code is larger than branches reach (kTextBytesMax).
// Cost     All tables are packed without an allocation per entry; the file is one buffer.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/compiler/compile_options.h"
#include "engine/compiler/compiled_module.h"
#include "engine/platform/mapped_region.h"
#include "engine/wasm/module.h"

namespace tidepool::engine {

// ResourceExhausted for more code than an artifact can hold; for backends to ask early.
absl::Status CheckTextBytes(uint64_t text_bytes);

// The result is the file.  Functions of `compiled` are in order of their text offsets.  The same
// arguments give the same bytes.
absl::StatusOr<MappedRegion> WriteArtifact(const wasm::ValidatedModule& module,
                                           const CompiledModule& compiled,
                                           const CompileOptions& options);

}  // namespace tidepool::engine
