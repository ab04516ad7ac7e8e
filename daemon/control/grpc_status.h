// From our errors to what gRPC sends: code, text, and details for programs.
//
//   grpc-status-details-bin = google.rpc.Status{ ErrorInfo, QuotaFailure?, RetryInfo? }
//
// Source   AIP-193; service.md, "gRPC" and the reason table.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "daemon/invoke/invoker.h"

namespace tidepool::daemon {

// Who asks: the owner, through the admin socket, may see what went wrong inside the guest.
enum class Audience : uint8_t { kPublic, kOwner };

// Of an invocation.
grpc::Status StatusOf(const Failure& failure, absl::string_view invocation_id, Audience audience);
// Of an admin call; ErrorInfo.reason is the code's name.  ResourceExhausted brings a QuotaFailure.
grpc::Status StatusOf(const absl::Status& status);

}  // namespace tidepool::daemon
