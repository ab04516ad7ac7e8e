#include "daemon/cli/exit_code.h"

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace tidepool::daemon {
namespace {

bool GuestIsAtFault(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return false;
  for (const auto& detail : details.details()) {
    google::rpc::ErrorInfo info;
    if (!detail.UnpackTo(&info)) continue;
    const auto fault = info.metadata().find("fault");
    return fault != info.metadata().end() && fault->second == "guest";
  }
  return false;
}

}  // namespace

ExitCode ExitCodeOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kNotFound:
      return ExitCode::kNotFound;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return ExitCode::kConflict;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return ExitCode::kDenied;
    case absl::StatusCode::kResourceExhausted:
      return ExitCode::kQuota;
    case absl::StatusCode::kUnavailable:
      return ExitCode::kUnavailable;
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kDeadline;
    case absl::StatusCode::kInvalidArgument:
      return ExitCode::kInvalid;
    default:
      return ExitCode::kFailure;
  }
}

ExitCode ExitCodeOf(const grpc::Status& status) {
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  // A wall-clock limit is a deadline that passed, whoever was slow.
  if (code != absl::StatusCode::kDeadlineExceeded && GuestIsAtFault(status)) {
    return ExitCode::kGuestFailed;
  }
  return ExitCodeOf(code);
}

}  // namespace tidepool::daemon
