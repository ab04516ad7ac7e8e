// CompileLimits: what one compilation may take.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "engine/support/units.h"

namespace tidepool::daemon {

struct CompileLimits {
  absl::Duration cpu = absl::Seconds(60);   // Rounded up to whole seconds (RLIMIT_CPU).
  absl::Duration wall = absl::Seconds(120);
  uint64_t memory_bytes = 4 * kGiB;         // Address space beyond what the program itself takes.
  uint64_t artifact_bytes = 2 * kGiB;       // Of the file written.
};

}  // namespace tidepool::daemon
