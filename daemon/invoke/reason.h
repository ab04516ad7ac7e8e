// Reason: what a caller is told when an invocation did not give an answer of the guest's.
//
// Source   reason.def; service.md, "HTTP data plane".
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace tidepool::daemon {

enum class Reason : uint8_t {
#define TP_REASON(reason, http, grpc, fault, retry, title) reason,
#include "daemon/invoke/reason.def"
#undef TP_REASON
};

enum class Fault : uint8_t { kGuest, kHost, kCaller };

// Numbers of google.rpc.Code, which gRPC uses on the wire.
enum class GrpcCode : uint8_t {
  CANCELLED = 1,
  INVALID_ARGUMENT = 3,
  DEADLINE_EXCEEDED = 4,
  NOT_FOUND = 5,
  RESOURCE_EXHAUSTED = 8,
  FAILED_PRECONDITION = 9,
  INTERNAL = 13,
  UNAVAILABLE = 14,
};

struct ReasonFacts {
  absl::string_view name;  // "CPU_LIMIT"
  absl::string_view title;
  uint16_t http_status;
  GrpcCode grpc_code;
  Fault fault;
  bool retry;
};

const ReasonFacts& FactsOf(Reason reason);
// "urn:tidepool:error:cpu-limit".
std::string UrnOf(Reason reason);
inline constexpr uint32_t kReasonCount = 0
#define TP_REASON(reason, http, grpc, fault, retry, title) +1
#include "daemon/invoke/reason.def"
#undef TP_REASON
    ;

}  // namespace tidepool::daemon
