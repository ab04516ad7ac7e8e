// Module "spectest", which scripts import from.
#pragma once

#include "absl/status/status.h"

#include "tests/spec/session.h"

namespace tidepool::spec {

// Defines it in `session`, fresh.  `table64` and `shared_memory` come with the features they need.
absl::Status DefineSpectest(Environment& environment, Session& session);

}  // namespace tidepool::spec
