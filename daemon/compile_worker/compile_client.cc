#include "daemon/compile_worker/compile_client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/compile_worker/wire.h"
#include "engine/platform/memfd.h"
#include "engine/platform/syscall_error.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

constexpr absl::Duration kStartLimit = absl::Seconds(30);
// For the zygote to report, beyond what the child may take.
constexpr absl::Duration kReportLimit = absl::Seconds(30);
// For the zygote to end once its socket is closed.
constexpr absl::Duration kEndLimit = absl::Seconds(2);

// False: nothing came in time.
bool WaitReadable(int fd, absl::Duration limit) {
  const absl::Time deadline = absl::Now() + limit;
  for (;;) {
    const int64_t left_ms = absl::ToInt64Milliseconds(deadline - absl::Now()) + 1;
    pollfd event{fd, POLLIN, 0};
    const int ready =
        ::poll(&event, 1, static_cast<int>(std::clamp<int64_t>(left_ms, 0, INT_MAX)));
    if (ready > 0) return true;
    if (ready == 0 && absl::Now() >= deadline) return false;
    if (ready < 0 && errno != EINTR) return false;
  }
}

// posix_spawn(3) of the zygote: its control socket, /dev/null and our stderr are all it gets.
absl::StatusOr<pid_t> Spawn(const std::string& path, bool test_faults, int control) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, control, kControlFd);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, kControlFd + 1);
  ::posix_spawn_file_actions_addchdir_np(&actions, "/");
  // A session of its own: an interrupt typed at the terminal ends the daemon, which drains first.
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::string zygote = "--zygote";
  std::string faults = "--test-faults";
  std::string program = path;
  char* arguments[] = {program.data(), zygote.data(), test_faults ? faults.data() : nullptr,
                       nullptr};
  // Compiling fills fresh memory all the time; with huge pages the kernel is asked 500 times less.
  std::string huge_pages = "GLIBC_TUNABLES=glibc.malloc.hugetlb=1";
  char* environment[] = {huge_pages.data(), nullptr};
  pid_t pid = 0;
  const int error =
      ::posix_spawn(&pid, path.c_str(), &actions, &attributes, arguments, environment);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    errno = error;
    return SyscallError("posix_spawn", path);
  }
  return pid;
}

absl::StatusOr<std::string> AbsolutePath(const std::string& path) {
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) == nullptr || ::access(resolved, X_OK) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the compiler ", path, " cannot be executed: ", ::strerrordesc_np(errno)));
  }
  return std::string(resolved);
}

absl::Status CheckInput(int input, uint64_t* bytes_count) {
  // The child must not be able to write what it reads: the file may be the only copy.
  const int flags = ::fcntl(input, F_GETFL);
  if (flags < 0) return SyscallError("fcntl", "module to compile");
  if ((flags & O_ACCMODE) != O_RDONLY) {
    return absl::InvalidArgumentError("the module to compile must be open for reading only");
  }
  struct stat status;
  if (::fstat(input, &status) != 0) return SyscallError("fstat", "module to compile");
  if (!S_ISREG(status.st_mode)) {
    return absl::InvalidArgumentError("the module to compile must be a regular file");
  }
  *bytes_count = static_cast<uint64_t>(status.st_size);
  return absl::OkStatus();
}

// A memfd is open for writing; opened again, it is not.
absl::StatusOr<UniqueFd> ReadOnlyMemfd(absl::Span<const uint8_t> bytes) {
  const FileExtent extent{0, bytes};
  TP_ASSIGN_OR_RETURN(const UniqueFd memfd,
                      CreateSealedMemfd("wasm-module", bytes.size(), {&extent, 1}));
  const std::string path = absl::StrCat("/proc/self/fd/", memfd.get());
  UniqueFd reader(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!reader.valid()) return SyscallError("open", path);
  return reader;
}

// glibc 2.36 declares pidfd_open without extern "C", so C++ cannot link it.
int OpenPidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

uint64_t FileBytes(int fd) {
  struct stat status;
  return ::fstat(fd, &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

RequestMessage MakeRequest(const engine::CompileOptions& options, const CompileLimits& limits,
                           uint64_t input_bytes, CompileFault fault) {
  RequestMessage request = ToWire(options);
  request.fault = static_cast<uint32_t>(fault);
  request.input_bytes = input_bytes;
  // Whole seconds, and at least one: 0 would mean "no limit" to the kernel.
  request.cpu_seconds_max = static_cast<uint64_t>(
      std::max<int64_t>(1, absl::ToInt64Seconds(absl::Ceil(limits.cpu, absl::Seconds(1)))));
  request.wall_ns_max = absl::ToInt64Nanoseconds(limits.wall);
  request.memory_bytes_max = limits.memory_bytes;
  request.artifact_bytes_max = limits.artifact_bytes;
  return request;
}

}  // namespace

// A running zygote and the socket to it.  Immutable; shared by the calls that use it.
class CompileClient::Zygote {
 public:
  static absl::StatusOr<std::shared_ptr<const Zygote>> Start(const Options& options) {
    TP_ASSIGN_OR_RETURN(const std::string path, AbsolutePath(options.path));
    TP_ASSIGN_OR_RETURN(SocketPair sockets, MakeSocketPair());
    // Above the numbers that the zygote's own descriptors get.
    UniqueFd theirs(::fcntl(sockets.theirs.get(), F_DUPFD_CLOEXEC, kControlFd + 1));
    if (!theirs.valid()) return SyscallError("fcntl(F_DUPFD_CLOEXEC)", "compile worker");
    sockets.theirs = UniqueFd();
    TP_ASSIGN_OR_RETURN(const pid_t pid, Spawn(path, options.test_faults, theirs.get()));
    const auto zygote = std::make_shared<Zygote>(pid, std::move(sockets.ours));
    // Only the zygote may hold the other end, or its death would go unnoticed.
    theirs = UniqueFd();
    HelloMessage hello;
    if (!WaitReadable(zygote->control(), kStartLimit) ||
        !Receive(zygote->control(), /*wait=*/false, &hello) || hello.version != kWireVersion) {
      return absl::FailedPreconditionError(
          absl::StrCat(path, " does not answer as this version's tidepool-compiler"));
    }
    return zygote;
  }

  Zygote(pid_t pid, UniqueFd control)
      : pid_(pid), pidfd_(OpenPidfd(pid)), control_(std::move(control)) {}
  ~Zygote() {
    control_ = UniqueFd();  // Its sign to end.
    if (!pidfd_.valid() || !WaitReadable(pidfd_.get(), kEndLimit)) Kill();
    ::waitpid(pid_, nullptr, 0);
  }
  Zygote(const Zygote&) = delete;
  Zygote& operator=(const Zygote&) = delete;

  int control() const { return control_.get(); }
  pid_t pid() const { return pid_; }
  void Kill() const { ::kill(pid_, SIGKILL); }

 private:
  const pid_t pid_;
  const UniqueFd pidfd_;  // Readable once it has ended.
  UniqueFd control_;
};

CompileClient::CompileClient(Options options) : options_(std::move(options)) {}
CompileClient::~CompileClient() = default;

absl::StatusOr<std::unique_ptr<CompileClient>> CompileClient::Start(Options options) {
  std::unique_ptr<CompileClient> client(new CompileClient(std::move(options)));
  TP_RETURN_IF_ERROR(client->RunningZygote().status());
  return client;
}

absl::StatusOr<std::shared_ptr<const CompileClient::Zygote>> CompileClient::RunningZygote() {
  absl::MutexLock lock(&mutex_);
  if (zygote_ == nullptr) {
    TP_ASSIGN_OR_RETURN(zygote_, Zygote::Start(options_));
  }
  return zygote_;
}

absl::Status CompileClient::Replace(const std::shared_ptr<const Zygote>& dead,
                                    absl::string_view what) {
  dead->Kill();
  absl::MutexLock lock(&mutex_);
  // Another call that failed with it may have been quicker.
  if (zygote_ == dead) zygote_ = nullptr;
  return absl::UnavailableError(
      absl::StrCat("the compiler process ", what, "; the next compilation starts another"));
}

absl::StatusOr<CompileReport> CompileClient::Compile(int input, int output,
                                                     const engine::CompileOptions& options,
                                                     const CompileLimits& limits) {
  return Run(input, output, options, limits, CompileFault::kNone);
}

absl::StatusOr<CompileReport> CompileClient::Compile(absl::Span<const uint8_t> module, int output,
                                                     const engine::CompileOptions& options,
                                                     const CompileLimits& limits) {
  TP_ASSIGN_OR_RETURN(const UniqueFd input, ReadOnlyMemfd(module));
  return Run(input.get(), output, options, limits, CompileFault::kNone);
}

absl::StatusOr<CompileReport> CompileClient::CompileWithFaultForTest(int input, int output,
                                                                     const CompileLimits& limits,
                                                                     CompileFault fault) {
  return Run(input, output, {}, limits, fault);
}

pid_t CompileClient::zygote_pid_for_test() {
  const absl::StatusOr<std::shared_ptr<const Zygote>> zygote = RunningZygote();
  return zygote.ok() ? (*zygote)->pid() : 0;
}

absl::StatusOr<CompileReport> CompileClient::Run(int input, int output,
                                                 const engine::CompileOptions& options,
                                                 const CompileLimits& limits, CompileFault fault) {
  uint64_t input_bytes = 0;
  TP_RETURN_IF_ERROR(CheckInput(input, &input_bytes));
  absl::StatusOr<std::shared_ptr<const Zygote>> zygote = RunningZygote();
  if (!zygote.ok()) {
    return absl::UnavailableError(
        absl::StrCat("there is no compiler process: ", zygote.status().message()));
  }
  TP_ASSIGN_OR_RETURN(SocketPair result_sockets, MakeSocketPair());
  TP_ASSIGN_OR_RETURN(SocketPair exit_sockets, MakeSocketPair());
  const RequestMessage request = MakeRequest(options, limits, input_bytes, fault);
  const int fds[] = {input, output, result_sockets.theirs.get(), exit_sockets.theirs.get()};
  if (!Send((*zygote)->control(), request, fds).ok()) return Replace(*zygote, "has ended");
  // The zygote's death must close the other ends.
  result_sockets.theirs = UniqueFd();
  exit_sockets.theirs = UniqueFd();

  ExitMessage exit;
  if (!WaitReadable(exit_sockets.ours.get(), limits.wall + kReportLimit)) {
    return Replace(*zygote, "does not answer");
  }
  if (!Receive(exit_sockets.ours.get(), /*wait=*/false, &exit)) {
    return Replace(*zygote, "ended during the compilation");
  }
  // The child has ended, so what it said lies there.
  std::optional<ResultMessage> result(std::in_place);
  if (!Receive(result_sockets.ours.get(), /*wait=*/false, &*result)) result.reset();
  return Judge(exit, result, FileBytes(output), limits);
}

}  // namespace tidepool::daemon
