// Drives a reactor module by a list of steps (../shared/conformance/README.md, "modules/").
//
// What the steps call output, and what the module writes to its standard output, goes to ours. WASI
// is there, without preopens; functions of module `env` return 0.
// Errors   InvalidArgument: a step that is not understood.  FailedPrecondition: a call that trapped
//          or returned something else; the step is named by its number.
#pragma once

#include <string>

#include "absl/status/status.h"

#include "tests/spec/environment.h"

namespace tidepool::spec {

absl::Status RunSteps(Environment& environment,
                      const std::string& steps_path,
                      const std::string& module_path);

}  // namespace tidepool::spec
