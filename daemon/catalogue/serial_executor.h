// SerialExecutor: a thread that runs what others ask for, one after the other, while they wait.
//
// Life     Started by the constructor; the destructor finishes what was asked for and joins.
// Threads  Run from any thread but its own.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace tidepool::daemon {

class SerialExecutor {
 public:
  SerialExecutor();
  ~SerialExecutor();
  SerialExecutor(const SerialExecutor&) = delete;
  SerialExecutor& operator=(const SerialExecutor&) = delete;

  // Gives what `work()` returns, which must not be void.
  template <typename Work>
  std::invoke_result_t<Work> Run(Work&& work) ABSL_LOCKS_EXCLUDED(mutex_) {
    std::optional<std::invoke_result_t<Work>> result;
    absl::Notification done;
    Post([&] {
      result.emplace(work());
      done.Notify();
    });
    done.WaitForNotification();
    return *std::move(result);
  }

 private:
  void Post(std::function<void()> work) ABSL_LOCKS_EXCLUDED(mutex_);
  void Loop() ABSL_LOCKS_EXCLUDED(mutex_);

  absl::Mutex mutex_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tidepool::daemon
