// RunCompileChild: the whole life of one compile child, from fork to exit.
//
// Shape    Descriptors: 0 and 1 /dev/null, 2 its last words, 3 the module, 4 the artifact, 5 its
//          result.  It never has another.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "daemon/compile_worker/wire.h"
#include "engine/platform/unique_fd.h"

namespace tidepool::daemon {

struct ChildSetup {
  RequestMessage request;
  // As in RequestFd, without kExitFd, which no child may hold; and where stderr goes.
  int input = -1;
  int output = -1;
  int result = -1;
  int last_words = -1;
  pid_t parent = 0;
  uint64_t address_space_bytes = 0;  // Taken by the program before it does anything.
};

// Exit statuses, beside 0: the result has been sent.
inline constexpr int kExitNoSandbox = 3;
inline constexpr int kExitOutOfMemory = 4;
inline constexpr int kExitCannotWrite = 5;

[[noreturn]] void RunCompileChild(const ChildSetup& setup);

}  // namespace tidepool::daemon
