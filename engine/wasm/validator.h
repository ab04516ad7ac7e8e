// Validate: Module → ValidatedModule.
//
// Errors   InvalidArgument with the byte offset, the function (by name where the module has names)
//          and what did not fit.
// Source   wasm core 3.
#pragma once

#include "absl/status/statusor.h"

#include "engine/wasm/features.h"
#include "engine/wasm/module.h"

namespace tidepool::engine::wasm {

absl::StatusOr<ValidatedModule> Validate(Module module, const Features& features);

}  // namespace tidepool::engine::wasm
