// RateGate: so many requests per second, and a burst of one second's worth; a token bucket that is
// one number.
//
// Shape    full_at_ns_ is when the bucket would be full again.  A request moves it on by 1/rate and
//          is let in if it then lies at most one second ahead (GCRA, the "virtual scheduling" form).
// Threads  Thread-safe, lock-free.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace tidepool::daemon {

class RateGate {
 public:
  static constexpr uint64_t kSecondNs = 1'000'000'000;

  // 0: let in.  Else: refused, and nanoseconds until a request would be let in.
  uint64_t TryPass(uint64_t requests_per_second, uint64_t now_ns) {
    const uint64_t interval_ns = std::max<uint64_t>(1, kSecondNs / requests_per_second);
    uint64_t full_at = full_at_ns_.load(std::memory_order_relaxed);
    for (;;) {
      const uint64_t next = std::max(full_at, now_ns) + interval_ns;
      if (next > now_ns + std::max(kSecondNs, interval_ns)) return next - now_ns - kSecondNs;
      if (full_at_ns_.compare_exchange_weak(full_at, next, std::memory_order_relaxed)) return 0;
    }
  }

 private:
  std::atomic<uint64_t> full_at_ns_{0};
};

}  // namespace tidepool::daemon
