// CompileClient: has modules compiled by `tidepool-compiler`, a process of its own, sandboxed.
//
//   daemon ── Start ──► zygote (tidepool-compiler --zygote: one thread, no module ever read)
//     │                   │ fork, one child per request, never reused
//     └─ request, fds ──► child: rlimits, seccomp; reads its input, writes its output, ends
//
// This contains crashes, hangs and bombs: each becomes an error of the one request, and zygote and
// daemon go on.  It does not contain a compromised compiler, whose code is run: what comes back is
// hostile until checked, so open the artifact with `verify`.
//
// Life     Start before the slab exists: the zygote is spawned from a small process.  If it dies,
//          the calls then running fail with Unavailable and the next one starts another, by
//          posix_spawn(3), which copies no page tables.  The destructor ends it.
// Threads  Thread-safe; calls block, and run at the same time as each other.
// Errors   InvalidArgument: the module is malformed or invalid, as the compiler says it; this and
//            the compiler's other errors come through as they are.
//          ResourceExhausted: "compile time limit of 30s reached", "memory limit of 512MiB
//            reached", and so on.
//          Internal: "compiler killed by signal 11 (Segmentation fault)"; it said nothing useful.
//          Unavailable: there is no compiler process; try again.
// Source   posix_spawn(3), unix(7) SCM_RIGHTS; the zygote is Android's and Chromium's idea.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "daemon/compile_worker/compile_limits.h"
#include "daemon/compile_worker/fault.h"
#include "daemon/compile_worker/verdict.h"
#include "engine/compiler/compile_options.h"

namespace tidepool::daemon {

class CompileClient {
 public:
  struct Options {
    std::string path;  // Of tidepool-compiler.
    bool test_faults = false;  // Tests only: the zygote accepts requests with a CompileFault.
  };

  // Returns once the zygote answers.  FailedPrecondition: not there, or another version.
  static absl::StatusOr<std::unique_ptr<CompileClient>> Start(Options options);
  ~CompileClient();
  CompileClient(const CompileClient&) = delete;
  CompileClient& operator=(const CompileClient&) = delete;

  // Compiles the module in `input`, a file or memfd open for reading only, into `output`, an empty
  // one open for writing.  After an error `output` may hold a part of an artifact.
  absl::StatusOr<CompileReport> Compile(int input, int output,
                                        const engine::CompileOptions& options,
                                        const CompileLimits& limits);
  absl::StatusOr<CompileReport> Compile(absl::Span<const uint8_t> module, int output,
                                        const engine::CompileOptions& options,
                                        const CompileLimits& limits);

  // Lets the child do what `fault` says instead of compiling.
  absl::StatusOr<CompileReport> CompileWithFaultForTest(int input, int output,
                                                        const CompileLimits& limits, CompileFault fault);
  pid_t zygote_pid_for_test();

 private:
  class Zygote;

  explicit CompileClient(Options options);
  absl::StatusOr<std::shared_ptr<const Zygote>> RunningZygote();
  // Forgets `dead`, so that the next call starts another.
  absl::Status Replace(const std::shared_ptr<const Zygote>& dead, absl::string_view what);
  absl::StatusOr<CompileReport> Run(int input, int output, const engine::CompileOptions& options,
                                    const CompileLimits& limits, CompileFault fault);

  const Options options_;
  absl::Mutex mutex_;
  std::shared_ptr<const Zygote> zygote_ ABSL_GUARDED_BY(mutex_);  // Null: to be started.
};

}  // namespace tidepool::daemon
