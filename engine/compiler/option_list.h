// Compile options as people write them: `bounds=explicit`, `padding=4096`, `address_map=off`,
// `threads=4`, `features=+avx,-bmi2`, `names=off`, and `tier=baseline`.
//
// Errors   InvalidArgument, naming the option and what it may be.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/compiler/compile_options.h"

namespace tidepool::engine {

// Applies one KEY=VALUE.
absl::Status ApplyOption(absl::string_view option, CompileOptions* options);
// "baseline" or "optimized".
absl::StatusOr<Tier> ParseTier(absl::string_view name);
absl::string_view ToString(Tier tier);
absl::string_view ToString(Bounds bounds);
// All of them, as ApplyOption takes them, separated by blanks.
std::string ToString(const CompileOptions& options);

}  // namespace tidepool::engine
