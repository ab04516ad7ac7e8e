// RunOneShot: `tidepool-compiler --one-shot IN OUT`: one module from file to file, for people and
// for `tidectl compile`.  It compiles in the same sandbox as the daemon's uploads.
#pragma once

#include <string>
#include <vector>

#include "daemon/compile_worker/compile_limits.h"
#include "engine/compiler/compile_options.h"

namespace tidepool::daemon {

// As service.md numbers them for all programs.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNotFound = 3;
inline constexpr int kExitQuota = 6;
inline constexpr int kExitUnavailable = 7;
inline constexpr int kExitInvalid = 10;

// `arguments` are those behind --one-shot.  Messages go to stderr, timings to stdout.
int RunOneShot(const std::vector<std::string>& arguments);

}  // namespace tidepool::daemon
