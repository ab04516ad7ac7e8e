// Values as people type them on a command line, for functions with typed parameters.
//
//   i32, i64   decimal, signed or unsigned, or 0x…       f32, f64   1.5, -inf, nan
//   v128       0x and 32 hexadecimal digits
//
// Errors   InvalidArgument, naming the value, its position and the type.  Unimplemented for
// references.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "engine/runtime/value.h"
#include "engine/wasm/types.h"

namespace tidepool::daemon {

absl::StatusOr<engine::Values> ParseTypedValues(absl::Span<const std::string> texts,
                                                const engine::wasm::FunctionType& type);
// One per line; integers signed.
std::string FormatTypedValues(const engine::Values& values, const engine::wasm::FunctionType& type);

}  // namespace tidepool::daemon
