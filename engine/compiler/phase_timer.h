// PhaseTimer: wall and CPU time of one phase of work.
#pragma once

#include "absl/time/time.h"

namespace tidepool::engine {

struct PhaseTime {
  absl::Duration wall;
  absl::Duration cpu;  // Of all threads of the process.
};

// Measures from its construction on.  Threads: one at a time.
class PhaseTimer {
 public:
  PhaseTimer();
  // Time since construction or the last Lap.
  PhaseTime Lap();

 private:
  absl::Duration wall_;  // CLOCK_MONOTONIC: nobody sets it while we measure.
  absl::Duration cpu_;
};

}  // namespace tidepool::engine
