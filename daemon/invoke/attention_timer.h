// AttentionTimer: a thread that asks workers for attention when a slice or a limit is due.
//
//   worker: Watch::Start(due) … guest runs … Watch::Stop()
//   timer:  sleeps until the earliest due time, then GuestThread::RequestAttention()
//
// A thread of its own and no I/O thread, because the worker is exactly what may be stuck in a guest.
// Nothing ticks when nothing runs: the timer sleeps until a worker wakes it.  To spare busy workers
// that system call, it stays awake for kLingerNs after the last guest stopped.
//
// Life     Watches are added before Run's first use and live as long as the timer.
// Threads  Start, Stop: the watch's worker.  AddWatch: any, before the worker runs guests.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daemon/invoke/clock.h"

namespace tidepool::engine {
class GuestThread;
}

namespace tidepool::daemon {

class AttentionTimer {
 public:
  static constexpr uint64_t kLingerNs = 20'000'000;

  class alignas(64) Watch {
   public:
    void Start(uint64_t due_ns) {
      // Ordered before the look at asleep_, as the timer's store of asleep_ is before its look here.
      due_ns_.store(due_ns, std::memory_order_seq_cst);
      if (timer_.asleep_.load(std::memory_order_seq_cst)) timer_.Wake();
    }
    void Stop() { due_ns_.store(0, std::memory_order_relaxed); }

   private:
    friend class AttentionTimer;
    Watch(AttentionTimer& timer, engine::GuestThread& thread) : timer_(timer), thread_(thread) {}
    std::atomic<uint64_t> due_ns_{0};  // 0: no guest runs.
    AttentionTimer& timer_;
    engine::GuestThread& thread_;
  };

  explicit AttentionTimer(const Clock& clock);
  ~AttentionTimer();

  // Of the calling thread.
  Watch& AddWatch();
  // No more attention for a thread that ends.
  void RemoveWatch(Watch& watch);

 private:
  void Run();
  // Raises what is due; the next due time, 0 when nothing runs.
  uint64_t RaiseDue(uint64_t now_ns);
  void Wake();

  const Clock& clock_;
  std::atomic<bool> asleep_{false};
  absl::Mutex mutex_;
  absl::CondVar wake_;
  std::vector<std::unique_ptr<Watch>> watches_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tidepool::daemon
