#include "daemon/catalogue/compile_jobs.h"

namespace tidepool::daemon {

CompileJobs::Turn CompileJobs::Wait(const std::string& key) {
  absl::MutexLock lock(&mutex_);
  const auto my_turn = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return running_.size() < concurrent_max_ && !running_.contains(key);
  };
  mutex_.Await(absl::Condition(&my_turn));
  running_.insert(key);
  return Turn(*this, key);
}

void CompileJobs::End(const std::string& key) {
  absl::MutexLock lock(&mutex_);
  running_.erase(key);
}

}  // namespace tidepool::daemon
