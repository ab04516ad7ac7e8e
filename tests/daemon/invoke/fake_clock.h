// FakeClock: a Clock that stands until it is turned.
#pragma once

#include "daemon/invoke/clock.h"

namespace tidepool::daemon {

class FakeClock final : public Clock {
 public:
  uint64_t MonotonicNs() const override { return now_ns; }
  uint64_t now_ns = 1'000'000'000;
};

}  // namespace tidepool::daemon
