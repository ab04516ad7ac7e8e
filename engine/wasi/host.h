// WasiHost: clocks, waiting and randomness, as whoever runs the guest wants the guest to have them.
//
// The daemon suspends the fiber in Wait and Yield; SystemHost, for tools and tests, blocks the
// thread. Life     Outlives the WasiContext that uses it. Threads  Called on the guest's thread and
// fiber.
#pragma once

#include <poll.h>

#include <cstdint>
#include <optional>

#include "absl/types/span.h"

#include "engine/abi/trap_code.h"
#include "engine/wasi/abi.h"

namespace tidepool::engine::wasi {

class WasiHost {
 public:
  virtual ~WasiHost() = default;

  // Nothing: this clock is not offered.  kMonotonic and kRealtime always are.
  virtual std::optional<uint64_t> NowNs(ClockId clock) = 0;
  virtual uint64_t ResolutionNs(ClockId clock) = 0;

  // Waits until the monotonic clock shows `until_ns` (UINT64_MAX: for ever) or one of `fds` is
  // ready, whose revents tell.  Anything but kNone ends the guest with that trap.
  virtual TrapCode Wait(uint64_t until_ns, absl::Span<pollfd> fds) = 0;
  virtual TrapCode Yield() = 0;

  // Fills `bytes` (at most kPieceBytes, never guest memory) with randomness fit for keys.
  virtual Errno FillRandom(absl::Span<uint8_t> bytes) = 0;

  // Asked between two pieces of a long operation: is there a reason to stop?  As implemented here,
  // what the running activation's InterruptHandler says when the thread was asked for attention.
  virtual TrapCode CheckInterrupt();
};

class SystemHost : public WasiHost {
 public:
  std::optional<uint64_t> NowNs(ClockId clock) override;
  uint64_t ResolutionNs(ClockId clock) override;
  TrapCode Wait(uint64_t until_ns, absl::Span<pollfd> fds) override;
  TrapCode Yield() override;
  Errno FillRandom(absl::Span<uint8_t> bytes) override;
};

}  // namespace tidepool::engine::wasi
