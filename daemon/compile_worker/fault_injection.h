// CommitFault: inside the sandbox, does what a CompileFault says.  For tests.
#pragma once

#include "daemon/compile_worker/fault.h"

namespace tidepool::daemon {

struct ChildDescriptors {
  int input;
  int output;
  int result;
  int count;
};

// Does not return if the sandbox holds: the fault ends the process.  What a fault finds to be
// possible, though it must not be, it reports by exit status kExitSandboxLeaks.
[[noreturn]] void CommitFault(CompileFault fault, const ChildDescriptors& descriptors);

inline constexpr int kExitSandboxLeaks = 99;

}  // namespace tidepool::daemon
