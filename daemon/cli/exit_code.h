// Exit codes of tidectl: scripts branch on them.
//
// Source   service.md, "CLI tidectl".
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace tidepool::daemon {

enum class ExitCode : int {
  kOk = 0,
  kFailure = 1,
  kUsage = 2,
  kNotFound = 3,
  kConflict = 4,
  kDenied = 5,
  kQuota = 6,
  kUnavailable = 7,
  kDeadline = 8,
  kGuestFailed = 9,
  kInvalid = 10,
};

ExitCode ExitCodeOf(absl::StatusCode code);
// kGuestFailed when the error's details say that the guest was at fault.
ExitCode ExitCodeOf(const grpc::Status& status);

}  // namespace tidepool::daemon
