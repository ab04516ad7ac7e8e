// Makers of Failures, so that each names its limit in the same way.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "daemon/invoke/invoker.h"
#include "daemon/tenants/limits.h"

namespace tidepool::daemon {

Failure MakeFailure(Reason reason, absl::string_view detail = {});
// `used` in the limit's own unit.
Failure LimitFailure(Reason reason, LimitName name, const Limits& limits, uint64_t used,
                     absl::string_view detail = {});

// The problem's fields as JSON (RFC 9457): what a public caller may see, so without `detail`.
std::string ProblemJson(const Failure& failure, absl::string_view invocation_id,
                        absl::string_view request_id);

// Appends `text` as a JSON string; bytes that are not UTF-8 become U+FFFD.
void AppendJsonString(std::string& out, absl::string_view text);

}  // namespace tidepool::daemon
