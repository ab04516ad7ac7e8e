#include "daemon/catalogue/serial_executor.h"

#include <pthread.h>

#include "engine/support/check.h"

namespace tidepool::daemon {

SerialExecutor::SerialExecutor() : thread_([this] { Loop(); }) {}

SerialExecutor::~SerialExecutor() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void SerialExecutor::Post(std::function<void()> work) {
  TP_CHECK(std::this_thread::get_id() != thread_.get_id());  // It would wait for itself.
  absl::MutexLock lock(&mutex_);
  queue_.push_back(std::move(work));
}

void SerialExecutor::Loop() {
  ::pthread_setname_np(::pthread_self(), "catalogue");
  const auto awake = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !queue_.empty();
  };
  for (;;) {
    std::function<void()> work;
    {
      absl::MutexLock lock(&mutex_, absl::Condition(&awake));
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace tidepool::daemon
