#include "daemon/invoke/cpu_meter.h"

#include <algorithm>

namespace tidepool::daemon {

void CpuMeter::Resume(uint64_t now_ns) {
  resumed_at_ns_ = now_ns;
  is_running_ = true;
  if (is_exact_) cpu_at_resume_ns_ = *mark_ns_ = read_cpu_clock_();
}

void CpuMeter::Pause(uint64_t now_ns) {
  if (is_exact_) {
    ExactNs(now_ns);
  } else {
    used_ns_ += now_ns - resumed_at_ns_;
  }
  is_running_ = false;
}

uint64_t CpuMeter::EstimateNs(uint64_t now_ns) const {
  return used_ns_ + (is_running_ ? now_ns - resumed_at_ns_ : 0);
}

uint64_t CpuMeter::ExactNs(uint64_t now_ns) {
  if (!is_running_) return used_ns_;
  const uint64_t cpu_ns = read_cpu_clock_();
  const uint64_t monotonic_ns = now_ns - resumed_at_ns_;
  used_ns_ += is_exact_ ? cpu_ns - cpu_at_resume_ns_ : std::min(monotonic_ns, cpu_ns - *mark_ns_);
  is_exact_ = true;
  *mark_ns_ = cpu_at_resume_ns_ = cpu_ns;
  resumed_at_ns_ = now_ns;
  return used_ns_;
}

}  // namespace tidepool::daemon
