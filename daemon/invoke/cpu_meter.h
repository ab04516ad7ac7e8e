// CpuMeter: CPU time of one invocation: what its thread's CPU clock advanced while it was on it.
//
//   Resume ── runs ── Pause      Resume ── runs ── Pause
//   first period: monotonic time   later periods: the thread's CPU clock, exact
//
// Reading the CPU clock is a system call, and most invocations end within their first slice.  So the
// first period is measured by the monotonic clock until somebody asks for the exact time; it then
// counts as the smaller of the monotonic time and what the CPU clock advanced since the thread last
// read it: no more than the first says, and no more than the thread really ran.
//
// Threads  One thread: the worker's.
// Source   service.md, "CPU time".
#pragma once

#include <cstdint>

namespace tidepool::daemon {

class CpuMeter {
 public:
  // `thread_cpu_mark_ns`: the worker's last reading of its CPU clock, shared by its meters.
  // `read_cpu_clock`: ThreadCpuNs, but in tests.
  CpuMeter(uint64_t* thread_cpu_mark_ns, uint64_t (*read_cpu_clock)())
      : mark_ns_(thread_cpu_mark_ns), read_cpu_clock_(read_cpu_clock) {}

  void Resume(uint64_t now_ns);
  void Pause(uint64_t now_ns);
  // Not less than the true time; no system call.
  uint64_t EstimateNs(uint64_t now_ns) const;
  // The verdict.
  uint64_t ExactNs(uint64_t now_ns);

 private:
  uint64_t* const mark_ns_;
  uint64_t (*const read_cpu_clock_)();
  uint64_t used_ns_ = 0;         // Of the periods before.
  uint64_t resumed_at_ns_ = 0;   // Monotonic.
  uint64_t cpu_at_resume_ns_ = 0;
  bool is_running_ = false;
  bool is_exact_ = false;        // cpu_at_resume_ns_ counts.
};

}  // namespace tidepool::daemon
