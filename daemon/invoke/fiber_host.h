// FiberHost: WASI's clocks, waiting and randomness for guests on fibers: whoever waits gives the
// thread back.
//
// Threads  One thread: the worker's.
#pragma once

#include "engine/wasi/host.h"

namespace tidepool::daemon {

class Invocation;

class FiberHost final : public engine::wasi::SystemHost {
 public:
  explicit FiberHost(Invocation& invocation) : invocation_(invocation) {}
  // The CPU clocks show the invocation's own time and nobody else's.
  std::optional<uint64_t> NowNs(engine::wasi::ClockId clock) override;
  engine::TrapCode Wait(uint64_t until_ns, absl::Span<pollfd> fds) override;
  engine::TrapCode Yield() override;

 private:
  Invocation& invocation_;
};

}  // namespace tidepool::daemon
