// CompileJobs: one compilation per module at a time, and few at once.
//
// Two uploads of the same bytes must not compile twice, and a hundred uploads must not start a
// hundred compilers.
//
// Life     Wait gives a Turn; the next in line comes when it ends.
// Threads  Thread-safe.  A thread that holds a Turn must not ask for another.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"

namespace tidepool::daemon {

class CompileJobs {
 public:
  explicit CompileJobs(uint32_t concurrent_max) : concurrent_max_(concurrent_max) {}

  class [[nodiscard]] Turn {
   public:
    Turn(CompileJobs& jobs, std::string key) : jobs_(jobs), key_(std::move(key)) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { jobs_.End(key_); }

   private:
    CompileJobs& jobs_;
    const std::string key_;
  };
  // Waits until nobody else works on `key`, and fewer than the maximum on anything.
  Turn Wait(const std::string& key) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void End(const std::string& key) ABSL_LOCKS_EXCLUDED(mutex_);

  const uint32_t concurrent_max_;
  absl::Mutex mutex_;
  absl::flat_hash_set<std::string> running_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tidepool::daemon
