#include "daemon/invoke/fiber_host.h"

#include "daemon/invoke/invocation.h"

namespace tidepool::daemon {

using engine::wasi::ClockId;

std::optional<uint64_t> FiberHost::NowNs(ClockId clock) {
  if (clock == ClockId::kProcessCpu || clock == ClockId::kThreadCpu) {
    return invocation_.CpuUsedNs();
  }
  return SystemHost::NowNs(clock);
}

engine::TrapCode FiberHost::Wait(uint64_t until_ns, absl::Span<pollfd> fds) {
  // A guest's streams lie in memory here: none has a descriptor to wait for.
  return invocation_.SleepUntil(until_ns);
}

engine::TrapCode FiberHost::Yield() { return invocation_.GiveWay(); }

}  // namespace tidepool::daemon
