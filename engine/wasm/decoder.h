// Decode: bytes → Module.  Structure only; types are the validator's.
//
// Errors   InvalidArgument with the byte offset and what was wrong there; a limit that is passed is
//          named.  Allocates in proportion to the bytes present, never to a count they claim.
// Source   wasm core 5.
#pragma once

#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "engine/wasm/features.h"
#include "engine/wasm/module.h"

namespace tidepool::engine::wasm {

// The result refers to `bytes`.
absl::StatusOr<Module> Decode(absl::Span<const uint8_t> bytes, const Features& features);

}  // namespace tidepool::engine::wasm
