// EnterSandbox: from here on this process computes, reads and writes what it already holds, and
// ends.  Everything else ends it.
//
//   rlimits    CPU, AS, FSIZE, NOFILE, CORE = 0
//   prctl      no new privileges, dies with its parent
//   seccomp    a list of what computing needs; no open, no socket, no clone, no exec; memory never
//              becomes executable
//
// Errors     Internal when the kernel refuses any part: then nothing may be compiled.
// Source     setrlimit(2), prctl(2), seccomp(2), seccomp_rule_add(3).
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "absl/status/status.h"

namespace tidepool::daemon {

struct SandboxLimits {
  uint64_t cpu_seconds_max = 0;
  uint64_t address_space_bytes_max = 0;  // Of the whole process.
  uint64_t file_bytes_max = 0;
  uint64_t descriptors_max = 0;
  pid_t parent = 0;  // Whose death is ours.
};

absl::Status EnterSandbox(const SandboxLimits& limits);

}  // namespace tidepool::daemon
