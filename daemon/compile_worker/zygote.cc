#include "daemon/compile_worker/zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>

#include "daemon/compile_worker/compile_child.h"
#include "daemon/compile_worker/fault.h"
#include "engine/support/sha256.h"
#include "engine/support/units.h"

namespace tidepool::daemon {
namespace {

// More at once are the client's mistake; the machine has fewer cores.
constexpr size_t kChildrenMax = 256;

int64_t NowNs() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Of this process: what a child's limit must not count.
uint64_t AddressSpaceBytes() {
  const UniqueFd file(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  char text[128] = {};
  if (!file.valid() || ::read(file.get(), text, sizeof(text) - 1) <= 0) return 0;
  unsigned long host_pages = 0;
  if (std::sscanf(text, "%lu", &host_pages) != 1) return 0;
  return host_pages * kHostPageBytes;
}

void Fill(absl::string_view text, ExitMessage* message) {
  const size_t count = std::min<size_t>(text.size(), kLastWordsBytesMax);
  std::memcpy(message->last_words, text.data(), count);
  message->last_words_bytes = static_cast<uint32_t>(count);
}

// Everything that a library does only once and with system calls that children do not have, such as
// OpenSSL reading its configuration.
void WarmUp() { (void)Sha256({}); }

}  // namespace

Zygote::Zygote(UniqueFd control, Options options)
    : control_(std::move(control)), options_(options), pid_(::getpid()) {}

int Zygote::Run() {
  sigset_t child_signal;
  ::sigemptyset(&child_signal);
  ::sigaddset(&child_signal, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child_signal, nullptr);
  child_signal_ = UniqueFd(::signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK));
  WarmUp();
  address_space_bytes_ = AddressSpaceBytes();
  if (!child_signal_.valid() || address_space_bytes_ == 0) return 1;
  if (!Send(control_.get(), HelloMessage{kWireVersion}).ok()) return 1;

  for (;;) {
    pollfd events[] = {{control_.get(), POLLIN, 0}, {child_signal_.get(), POLLIN, 0}};
    if (::poll(events, 2, MillisecondsToNextDeadline()) < 0 && errno != EINTR) return 1;
    if (events[1].revents != 0) ReapChildren();
    KillOverdue();
    if (events[0].revents != 0 && !AcceptRequest()) break;
  }
  for (const Child& child : children_) ::kill(child.pid, SIGKILL);
  return 0;
}

bool Zygote::AcceptRequest() {
  RequestMessage request;
  std::vector<UniqueFd> fds;
  const absl::StatusOr<size_t> received =
      ReceiveBytes(control_.get(), {reinterpret_cast<uint8_t*>(&request), sizeof(request)},
                   /*wait=*/true, kRequestFdCount, &fds);
  if (received.ok() && *received == 0) return false;
  // A message that is none of ours has closed its descriptors by now, which tells its sender.
  if (!received.ok() || *received != sizeof(request)) return true;
  Start(request, std::move(fds));
  return true;
}

absl::string_view Zygote::WhyRefused(const RequestMessage& request, size_t fd_count) const {
  if (fd_count != kRequestFdCount) return "a request without its descriptors";
  if (request.version != kWireVersion) return "tidepool-compiler has another version";
  if (request.fault != static_cast<uint32_t>(CompileFault::kNone) && !options_.test_faults) {
    return "faults are for tests";
  }
  if (children_.size() >= kChildrenMax) return "too many compilations at once";
  return {};
}

void Zygote::Start(const RequestMessage& request, std::vector<UniqueFd> fds) {
  ExitMessage refusal{};
  refusal.reason = ExitMessage::kRefused;
  const absl::string_view why = WhyRefused(request, fds.size());
  int words[2];
  if (!why.empty()) {
    Fill(why, &refusal);
    if (fds.size() == kRequestFdCount) (void)Send(fds[kExitFd].get(), refusal);
    return;
  }
  // Never blocking: a child that writes too much loses words, not time.
  if (::pipe2(words, O_CLOEXEC | O_NONBLOCK) != 0) {
    Fill("pipe2 failed", &refusal);
    (void)Send(fds[kExitFd].get(), refusal);
    return;
  }
  UniqueFd last_words_reader(words[0]);
  const UniqueFd last_words_writer(words[1]);
  const pid_t pid = ::fork();
  if (pid == 0) {
    RunCompileChild({.request = request,
                     .input = fds[kInputFd].get(),
                     .output = fds[kOutputFd].get(),
                     .result = fds[kResultFd].get(),
                     .last_words = last_words_writer.get(),
                     .parent = pid_,
                     .address_space_bytes = address_space_bytes_});
  }
  if (pid < 0) {
    Fill("fork failed", &refusal);
    (void)Send(fds[kExitFd].get(), refusal);
    return;
  }
  Child child;
  child.pid = pid;
  child.exit_socket = std::move(fds[kExitFd]);
  child.last_words = std::move(last_words_reader);
  child.deadline_ns = NowNs() + request.wall_ns_max;
  children_.push_back(std::move(child));
}

void Zygote::ReapChildren() {
  // Signals of one kind do not queue: one may stand for several children.
  signalfd_siginfo drained;
  while (::read(child_signal_.get(), &drained, sizeof(drained)) > 0) {
  }
  int wait_status;
  for (pid_t pid; (pid = ::waitpid(-1, &wait_status, WNOHANG)) > 0;) {
    const auto child = std::find_if(children_.begin(), children_.end(),
                                    [pid](const Child& each) { return each.pid == pid; });
    if (child == children_.end()) continue;
    Report(*child, wait_status);
    children_.erase(child);
  }
}

void Zygote::Report(const Child& child, int wait_status) {
  ExitMessage message{};
  // It may have come to its own end just before the kill.
  const bool killed = WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL;
  message.reason = child.overdue && killed ? ExitMessage::kWallLimit : ExitMessage::kEnded;
  message.wait_status = wait_status;
  const ssize_t words = ::read(child.last_words.get(), message.last_words, kLastWordsBytesMax);
  message.last_words_bytes = words > 0 ? static_cast<uint32_t>(words) : 0;
  // The client may have gone; then nobody asks.
  (void)Send(child.exit_socket.get(), message);
}

void Zygote::KillOverdue() {
  const int64_t now_ns = NowNs();
  for (Child& child : children_) {
    if (child.overdue || child.deadline_ns > now_ns) continue;
    child.overdue = true;
    ::kill(child.pid, SIGKILL);
  }
}

int Zygote::MillisecondsToNextDeadline() const {
  int64_t next_ns = INT64_MAX;
  for (const Child& child : children_) {
    if (!child.overdue) next_ns = std::min(next_ns, child.deadline_ns);
  }
  if (next_ns == INT64_MAX) return -1;
  const int64_t left_ms = (next_ns - NowNs()) / 1'000'000 + 1;
  return static_cast<int>(std::clamp<int64_t>(left_ms, 0, INT_MAX));
}

}  // namespace tidepool::daemon
