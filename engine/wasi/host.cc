#include "engine/wasi/host.h"

#include <errno.h>
#include <sched.h>
#include <sys/random.h>
#include <time.h>

#include <algorithm>

#include "engine/runtime/interrupt.h"

namespace tidepool::engine::wasi {
namespace {

// A blocked thread looks at the interrupt this often.
constexpr uint64_t kWaitSliceNs = 10'000'000;
constexpr uint64_t kNsPerSecond = 1'000'000'000;

std::optional<clockid_t> HostClock(ClockId clock) {
  switch (clock) {
    case ClockId::kRealtime:
      return CLOCK_REALTIME;
    case ClockId::kMonotonic:
      return CLOCK_MONOTONIC;
    case ClockId::kProcessCpu:
      return CLOCK_PROCESS_CPUTIME_ID;
    case ClockId::kThreadCpu:
      return CLOCK_THREAD_CPUTIME_ID;
  }
  return std::nullopt;
}

uint64_t ToNs(const timespec& time) {
  return static_cast<uint64_t>(time.tv_sec) * kNsPerSecond + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace

TrapCode WasiHost::CheckInterrupt() {
  return AttendIfWanted();
}

std::optional<uint64_t> SystemHost::NowNs(ClockId clock) {
  const std::optional<clockid_t> id = HostClock(clock);
  timespec now{};
  if (!id.has_value() || ::clock_gettime(*id, &now) != 0) return std::nullopt;
  return ToNs(now);
}

uint64_t SystemHost::ResolutionNs(ClockId clock) {
  const std::optional<clockid_t> id = HostClock(clock);
  timespec resolution{};
  if (!id.has_value() || ::clock_getres(*id, &resolution) != 0) return 1;
  return std::max<uint64_t>(1, ToNs(resolution));
}

TrapCode SystemHost::Wait(uint64_t until_ns, absl::Span<pollfd> fds) {
  while (true) {
    const TrapCode trap = CheckInterrupt();
    if (trap != TrapCode::kNone) return trap;
    const uint64_t now = *NowNs(ClockId::kMonotonic);
    const uint64_t rest = until_ns > now ? until_ns - now : 0;
    const uint64_t slice = std::min(rest, kWaitSliceNs);
    const timespec timeout{.tv_sec = 0, .tv_nsec = static_cast<long>(slice)};
    if (::ppoll(fds.data(), fds.size(), &timeout, nullptr) > 0) return TrapCode::kNone;
    if (rest == 0) return TrapCode::kNone;
  }
}

TrapCode SystemHost::Yield() {
  ::sched_yield();
  return CheckInterrupt();
}

Errno SystemHost::FillRandom(absl::Span<uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::getrandom(bytes.data(), bytes.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return LastErrno();
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return Errno::kSuccess;
}

}  // namespace tidepool::engine::wasi
