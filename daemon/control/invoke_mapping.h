// Between the messages of tidepool.invoke.v1 and the Invoker's requests and outcomes.
//
// Large bodies are moved, not copied: messages are taken apart.
#pragma once

#include <variant>

#include "daemon/control/grpc_status.h"
#include "daemon/invoke/invoker.h"

#include "tidepool/invoke/v1/invoke.pb.h"

namespace tidepool::daemon {

// The HTTP door's limits, which hold here too.
struct MessageLimits {
  uint64_t header_bytes_max = 64 * 1024;
  uint64_t header_fields_max = 100;
  uint64_t uri_bytes_max = 16 * 1024;
};

// A request without times and client; or why it is refused before anybody is asked.
std::variant<InvokeRequest, Failure> TakeRequest(invoke::v1::InvokeRequest& message,
                                                 const MessageLimits& limits);

// Fills `message`, or says what to answer instead.
grpc::Status PutOutcome(InvokeOutcome& outcome,
                        Audience audience,
                        invoke::v1::InvokeResponse& message);

}  // namespace tidepool::daemon
