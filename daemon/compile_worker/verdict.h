// Judge: what came of a compilation, from how its process ended and what it said.
//
// The process is hostile: its result counts only if it ended well, and only so far as it fits what
// the kernel says.  Pure, so that every way to fail has a test.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "daemon/compile_worker/compile_limits.h"
#include "daemon/compile_worker/wire.h"
#include "engine/compiler/compile_timings.h"

namespace tidepool::daemon {

struct CompileReport {
  // As the compiler says; all numbers are its own claims, but for artifact_bytes.
  engine::CompileTimings timings;
};

// `output_bytes` is the length that the output file has.
absl::StatusOr<CompileReport> Judge(const ExitMessage& exit,
                                    const std::optional<ResultMessage>& result,
                                    uint64_t output_bytes, const CompileLimits& limits);

}  // namespace tidepool::daemon
