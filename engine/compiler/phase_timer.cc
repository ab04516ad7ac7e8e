#include "engine/compiler/phase_timer.h"

#include <time.h>

namespace tidepool::engine {
namespace {

absl::Duration Read(clockid_t clock) {
  timespec now;
  // Cannot fail: both clocks exist on every Linux that we run on.
  ::clock_gettime(clock, &now);
  return absl::DurationFromTimespec(now);
}

}  // namespace

PhaseTimer::PhaseTimer() : wall_(Read(CLOCK_MONOTONIC)), cpu_(Read(CLOCK_PROCESS_CPUTIME_ID)) {}

PhaseTime PhaseTimer::Lap() {
  const absl::Duration wall = Read(CLOCK_MONOTONIC);
  const absl::Duration cpu = Read(CLOCK_PROCESS_CPUTIME_ID);
  const PhaseTime lap{wall - wall_, cpu - cpu_};
  wall_ = wall;
  cpu_ = cpu;
  return lap;
}

}  // namespace tidepool::engine
