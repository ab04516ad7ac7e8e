#include "daemon/compile_worker/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "engine/platform/syscall_error.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

absl::Status Limit(__rlimit_resource_t resource, const char* name, uint64_t soft, uint64_t hard) {
  const rlimit limit{soft, hard};
  if (::setrlimit(resource, &limit) != 0) return SyscallError("setrlimit", name);
  return absl::OkStatus();
}

absl::Status SetLimits(const SandboxLimits& limits) {
  // At the soft limit comes SIGXCPU, which ends us and says why; the hard one is for whoever
  // ignores it.
  TP_RETURN_IF_ERROR(
      Limit(RLIMIT_CPU, "RLIMIT_CPU", limits.cpu_seconds_max, limits.cpu_seconds_max + 1));
  TP_RETURN_IF_ERROR(Limit(RLIMIT_AS, "RLIMIT_AS", limits.address_space_bytes_max,
                           limits.address_space_bytes_max));
  TP_RETURN_IF_ERROR(
      Limit(RLIMIT_FSIZE, "RLIMIT_FSIZE", limits.file_bytes_max, limits.file_bytes_max));
  TP_RETURN_IF_ERROR(
      Limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", limits.descriptors_max, limits.descriptors_max));
  return Limit(RLIMIT_CORE, "RLIMIT_CORE", 0, 0);
}

absl::Status BindToParent(pid_t parent) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) {
    return SyscallError("prctl", "PR_SET_PDEATHSIG");
  }
  // It may have died before the call.
  if (::getppid() != parent) return absl::InternalError("the zygote is gone");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return SyscallError("prctl", "PR_SET_NO_NEW_PRIVS");
  }
  return absl::OkStatus();
}

// What computing takes: memory, clocks, the descriptors we hold, and ways to end.
constexpr int kAllowed[] = {
    SCMP_SYS(read),          SCMP_SYS(write),        SCMP_SYS(pwrite64),
    SCMP_SYS(munmap),        SCMP_SYS(mremap),       SCMP_SYS(brk),
    SCMP_SYS(madvise),       SCMP_SYS(futex),        SCMP_SYS(getrusage),
    SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(exit),
    SCMP_SYS(exit_group),    SCMP_SYS(getpid),       SCMP_SYS(gettid),
    SCMP_SYS(getrandom),     SCMP_SYS(sched_yield),  SCMP_SYS(restart_syscall),
    // abort(3)
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigreturn),
};

absl::Status SeccompError(const char* what, int negative_errno) {
  errno = -negative_errno;
  return SyscallError(what, "compile sandbox");
}

absl::Status AddRules(scmp_filter_ctx filter) {
  for (int call : kAllowed) {
    if (const int result = ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0); result != 0) {
      return SeccompError("seccomp_rule_add", result);
    }
  }
  // Memory, but none that could be run.
  for (int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    const int result = ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
                                          SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (result != 0) return SeccompError("seccomp_rule_add", result);
  }
  // abort(3) sends its signal to itself; nobody else may get one.
  const int result =
      ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                         SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid())));
  if (result != 0) return SeccompError("seccomp_rule_add", result);
  return absl::OkStatus();
}

absl::Status FilterSystemCalls() {
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter(
      ::seccomp_init(SCMP_ACT_KILL_PROCESS), ::seccomp_release);
  if (filter == nullptr) return absl::InternalError("seccomp_init failed");
  TP_RETURN_IF_ERROR(AddRules(filter.get()));
  if (const int result = ::seccomp_load(filter.get()); result != 0) {
    return SeccompError("seccomp_load", result);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status EnterSandbox(const SandboxLimits& limits) {
  TP_RETURN_IF_ERROR(BindToParent(limits.parent));
  TP_RETURN_IF_ERROR(SetLimits(limits));
  return FilterSystemCalls();
}

}  // namespace tidepool::daemon
