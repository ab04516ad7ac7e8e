// How invocations of a Worker end, and what is looked after while others wait.
#include <utility>

#include "daemon/invoke/failure.h"
#include "daemon/invoke/worker.h"
#include "engine/support/units.h"

namespace tidepool::daemon {
namespace {

using State = Invocation::State;

constexpr auto kHousePeriod = std::chrono::milliseconds(20);
// What other workers are asked to give back when one cannot find memory for a request.
constexpr uint64_t kReclaimBytes = 16 * kMiB;

}  // namespace

void Worker::Fail(Invocation* invocation, Failure failure) {
  invocation->Stop(std::move(failure));
  Finish(invocation);
}

void Worker::Finish(Invocation* invocation) {
  if (invocation->has_started()) {
    invocation->ReleaseStack();
    running_count_.store(running_count_.load(std::memory_order_relaxed) - 1,
                         std::memory_order_relaxed);
  }
  if (invocation->was_refused) --refused_waiting_;
  invocation->permit.reset();
  Count(*invocation);
  Unlink(invocation);
  InvokeOutcome outcome = invocation->TakeOutcome();
  InvokeDone done = invocation->TakeDone();
  const uint32_t home = invocation->home_worker;
  delete invocation;
  ++capacity_epoch_;
  if (!waiting_.empty()) StartWaiting();
  if (home == options_.index) return done(std::move(outcome));
  options_.group->worker(home).Post(
      [done = std::move(done), outcome = std::move(outcome)]() mutable {
        done(std::move(outcome));
      });
}

void Worker::Count(const Invocation& invocation) {
  finished_.Add(1);
  if (invocation.kill_latency_ns() != 0) kills_.Add(1);
  if (options_.metrics == nullptr) return;
  options_.metrics->CountInvocation({.tenant = invocation.route().tenant->name,
                                     .function = invocation.route().revision->function,
                                     .outcome = invocation.outcome_name(),
                                     .queue_ns = invocation.queue_ns(),
                                     .run_ns = invocation.run_ns(),
                                     .cpu_ns = invocation.cpu_ns(),
                                     .reset_ns = invocation.reset_ns()});
  if (invocation.kill_latency_ns() != 0) {
    options_.metrics->CountKill(invocation.kill_latency_ns());
  }
}

void Worker::StopAll(const Failure& failure) {
  for (Invocation* invocation : waiting_.TakeAll()) Fail(invocation, failure);
  for (Invocation* invocation = first_; invocation != nullptr; invocation = invocation->next) {
    invocation->Stop(failure);
  }
  for (const auto& [at_ns, invocation] : sleeping_) MakeReady(invocation);
  sleeping_.clear();
  waiting_count_.store(0, std::memory_order_relaxed);
  if (!ready_.empty()) ScheduleTurn();
}

void Worker::ArmHousekeeping() {
  waiting_count_.store(waiting_.count(), std::memory_order_relaxed);
  if (house_is_armed_ || (waiting_.empty() && sleeping_.empty())) return;
  house_is_armed_ = true;
  house_timer_.expires_after(kHousePeriod);
  house_timer_.async_wait([this](const boost::system::error_code& error) {
    house_is_armed_ = false;
    if (!error) KeepHouse();
  });
}

void Worker::KeepHouse() {
  for (Invocation* invocation : waiting_.TakeExpired(options_.clock->MonotonicNs())) {
    Failure failure =
        invocation->was_refused
            ? MakeFailure(Reason::HOST_CAPACITY, "no slot or memory before the deadline")
            : LimitFailure(Reason::QUEUE_DEADLINE, LimitName::kConcurrency,
                           *invocation->route().tenant->limits,
                           invocation->ticket().accounts().tenant->running.Get());
    CountRejection(invocation->route().tenant->name, failure.reason);
    Fail(invocation, std::move(failure));
  }
  std::vector<Invocation*> gone;
  for (Invocation* invocation = first_; invocation != nullptr; invocation = invocation->next) {
    if (invocation->client_is_gone() && invocation->state == State::kWaiting) {
      gone.push_back(invocation);
    }
  }
  for (Invocation* invocation : gone) {
    if (invocation->state != State::kWaiting) continue;  // The end of another started it.
    waiting_.Remove(invocation);
    Fail(invocation, MakeFailure(Reason::CLIENT_GONE));
  }
  for (auto sleeper = sleeping_.begin(); sleeper != sleeping_.end();) {
    if (!sleeper->second->client_is_gone()) {
      ++sleeper;
      continue;
    }
    MakeReady(sleeper->second);
    sleeper = sleeping_.erase(sleeper);
  }
  if (refused_waiting_ > 0) {
    if (options_.group != nullptr) {
      for (uint32_t i = 0; i < options_.group->worker_count(); ++i) {
        Worker& other = options_.group->worker(i);
        if (&other != this) other.Post([&other] { other.ReclaimIdle(kReclaimBytes); });
      }
    }
    ++capacity_epoch_;
  }
  StartWaiting();
  ArmHousekeeping();
}

void Worker::Link(Invocation* invocation) {
  invocation->previous = nullptr;
  invocation->next = first_;
  if (first_ != nullptr) first_->previous = invocation;
  first_ = invocation;
  ++live_count_;
}

void Worker::Unlink(Invocation* invocation) {
  if (invocation->previous != nullptr) {
    invocation->previous->next = invocation->next;
  } else {
    first_ = invocation->next;
  }
  if (invocation->next != nullptr) invocation->next->previous = invocation->previous;
  --live_count_;
}

}  // namespace tidepool::daemon
