// One way from errno to a Status.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tidepool {

// errno of the call that just failed, as `call(detail): text`.  Call it before anything else can
// change errno.
absl::Status SyscallError(absl::string_view call, absl::string_view detail);

}  // namespace tidepool
