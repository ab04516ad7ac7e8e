// CompileFault: what a compile child does wrong, so that tests see it contained.  A zygote that was not
// started with --test-faults refuses any but kNone.
#pragma once

#include <cstdint>

namespace tidepool::daemon {

enum class CompileFault : uint32_t {
  kNone = 0,
  kSegmentationFault,
  kCheckFailure,
  kSpin,                // Burns CPU time for ever.
  kBlock,               // Waits for ever.
  kExhaustMemory,
  kOverflowStack,
  kWriteTooMuch,        // More than the artifact may have.
  kExitSilently,        // Exit status 0, no result.
  kExitAfterResult,     // Reports success, then ends with an error.
  kClaimWrongSize,      // Of the artifact.
  kSendGarbage,         // As its result.
  kOpenFile,
  kOpenSocket,
  kFork,
  kMapExecutable,
  kWriteInput,
  kKillParent,
  kListDescriptors,     // Ends well only if it has none but its own.
};

}  // namespace tidepool::daemon
