// The request's fields that are ours to read, those that the guest gets to see, and those that tell
// the client how it went.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "daemon/invoke/invoker.h"

namespace tidepool::daemon {

// X-Request-Id if it is one, else a new one.
std::string RequestIdOf(const std::vector<HeaderField>& fields);

// X-Tidepool-Deadline-Ms, counted from the first byte, which came `elapsed_ns` ago.
std::optional<Failure> ReadDeadline(const std::vector<HeaderField>& fields, uint64_t elapsed_ns,
                                    absl::Time* deadline);

// Without X-Tidepool-…; with our request id, whoever made it.
std::vector<HeaderField> FieldsForGuest(std::vector<HeaderField> fields,
                                        const std::string& request_id);

// "queue;dur=0.012, exec;dur=1.204, reset;dur=0.007", in milliseconds.
std::string ServerTiming(const InvokeOutcome& outcome);

}  // namespace tidepool::daemon
