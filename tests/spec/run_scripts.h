// Runs scripts, and folders of them, and prints what came of each.
#pragma once

#include "absl/status/statusor.h"

#include "tests/spec/environment.h"

namespace tidepool::spec {

// One line per script, one per failed check, a last line with sums.  True: nothing failed.
// Errors: a path that cannot be read.
absl::StatusOr<bool> RunScripts(Environment& environment);

}  // namespace tidepool::spec
