#include "daemon/invoke/attention_timer.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <time.h>

#include <algorithm>

#include "engine/runtime/guest_thread.h"

namespace tidepool::daemon {
namespace {

// A guest that has not answered is asked again after this long.
constexpr uint64_t kAgainNs = 1'000'000;
// While it lingers, the timer looks this often for a guest that has started.
constexpr uint64_t kLookNs = 1'000'000;

void SleepUntil(uint64_t at_ns) {
  const timespec at{.tv_sec = static_cast<time_t>(at_ns / 1'000'000'000),
                    .tv_nsec = static_cast<long>(at_ns % 1'000'000'000)};
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

}  // namespace

AttentionTimer::AttentionTimer(const Clock& clock) : clock_(clock) {
  thread_ = std::thread([this] { Run(); });
}

AttentionTimer::~AttentionTimer() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    wake_.SignalAll();
  }
  thread_.join();
}

AttentionTimer::Watch& AttentionTimer::AddWatch() {
  absl::MutexLock lock(&mutex_);
  watches_.push_back(
      std::unique_ptr<Watch>(new Watch(*this, engine::GuestThread::Current())));
  return *watches_.back();
}

void AttentionTimer::RemoveWatch(Watch& watch) {
  absl::MutexLock lock(&mutex_);
  watches_.erase(std::find_if(watches_.begin(), watches_.end(),
                              [&watch](const auto& other) { return other.get() == &watch; }));
}

void AttentionTimer::Wake() {
  absl::MutexLock lock(&mutex_);
  asleep_.store(false, std::memory_order_seq_cst);
  wake_.Signal();
}

uint64_t AttentionTimer::RaiseDue(uint64_t now_ns) {
  uint64_t next_ns = 0;
  absl::MutexLock lock(&mutex_);
  for (const std::unique_ptr<Watch>& watch : watches_) {
    uint64_t due_ns = watch->due_ns_.load(std::memory_order_seq_cst);
    if (due_ns == 0) continue;
    if (due_ns <= now_ns) {
      // Again and again, should it be in a host function: asking twice costs a slow path, no more.
      watch->thread_.RequestAttention();
      due_ns = now_ns + kAgainNs;
    }
    if (next_ns == 0 || due_ns < next_ns) next_ns = due_ns;
  }
  return next_ns;
}

void AttentionTimer::Run() {
  ::pthread_setname_np(::pthread_self(), "attention");
  ::prctl(PR_SET_TIMERSLACK, 1000UL);  // 1 µs instead of 50: kills are promised within 10 ms.
  uint64_t idle_since_ns = clock_.MonotonicNs();
  for (;;) {
    const uint64_t now_ns = clock_.MonotonicNs();
    const uint64_t next_ns = RaiseDue(now_ns);
    if (next_ns != 0) {
      idle_since_ns = now_ns;
      SleepUntil(std::min(next_ns, now_ns + kLookNs));
    } else if (now_ns - idle_since_ns < kLingerNs) {
      SleepUntil(now_ns + kLookNs);
    } else {
      asleep_.store(true, std::memory_order_seq_cst);
      if (RaiseDue(now_ns) == 0) {
        absl::MutexLock lock(&mutex_);
        while (asleep_.load(std::memory_order_seq_cst) && !stopping_) wake_.Wait(&mutex_);
      }
      asleep_.store(false, std::memory_order_seq_cst);
      idle_since_ns = clock_.MonotonicNs();
    }
    absl::MutexLock lock(&mutex_);
    if (stopping_) return;
  }
}

}  // namespace tidepool::daemon
