// CapacityPlan of a daemon: what its settings ask of this machine, and whether it is there.
//
// Asked at every start, which is refused with the number to set, and printed by --check.
// Errors   ResourceExhausted, FailedPrecondition, InvalidArgument: each names the setting and the
//          number.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "daemon/catalogue/capacity.h"
#include "daemon/invoke/data_plane.h"
#include "daemon/settings/settings.h"

namespace tidepool::daemon {

struct DaemonPlan {
  DataPlane::Options data_plane;  // Without what must be made first: publisher, logs, metrics.
  Capacity capacity;              // What limits may be set to.
  std::string budget_source;      // Where the memory budget comes from.
};

// Probes the kernel's features.
absl::StatusOr<DaemonPlan> PlanDaemon(const Settings& settings);
// OK when the machine gives what the plan needs.
absl::Status CheckPlan(const DaemonPlan& plan);
// For --check: numbers, features, limits.
std::string DescribePlan(const Settings& settings, const DaemonPlan& plan);

}  // namespace tidepool::daemon
