#include "daemon/invoke/worker.h"

#include <pthread.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/invoke/failure.h"
#include "daemon/telemetry/log.h"
#include "engine/abi/thread_control.h"
#include "engine/runtime/guest_thread.h"
#include "engine/support/check.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

using State = Invocation::State;

// What host frames of a fiber take above the guest's part of its stack.
constexpr uint64_t kHostFramesBytes = 64 * 1024;

thread_local const Worker* t_current_worker = nullptr;

}  // namespace

absl::StatusOr<std::unique_ptr<Worker>> Worker::Create(const Options& options) {
  std::unique_ptr<Worker> worker(new Worker(options));
  pool::PoolOptions pool_options = options.pool;
  pool_options.budget = &worker->budget_;
  TP_ASSIGN_OR_RETURN(worker->pool_, pool::InstancePool::Create(pool_options));
  pool::StackPoolOptions stack_options = options.stacks;
  stack_options.budget = &worker->budget_;
  TP_ASSIGN_OR_RETURN(worker->stacks_, pool::StackPool::Create(stack_options));
  worker->host_.reset(new InvocationHost{.ledger = *options.ledger,
                                         .clock = *options.clock,
                                         .pool = *worker->pool_,
                                         .budget = worker->budget_,
                                         .logs = options.logs});
  return worker;
}

Worker::Worker(const Options& options)
    : options_(options),
      work_(boost::asio::make_work_guard(io_)),
      sleep_timer_(io_),
      house_timer_(io_),
      budget_(options.ledger->budget),
      accounts_(options.ledger->accounts) {}

Worker::~Worker() { TP_CHECK(first_ == nullptr); }

void Worker::Run() {
  ::pthread_setname_np(::pthread_self(), absl::StrCat("worker-", options_.index).c_str());
  t_current_worker = this;
  engine::GuestThread::Current();
  watch_ = &options_.timer->AddWatch();
  host_->thread_cpu_mark_ns = ThreadCpuNs();
  try {
    io_.run();
  } catch (const std::exception& error) {
    // Memory for the daemon's own objects ran out, most likely: nothing sensible can go on.
    LogError("worker ", options_.index, " died: ", error.what());
    TP_CHECK(!"an exception left a worker");
  }
  options_.timer->RemoveWatch(*watch_);
  t_current_worker = nullptr;
}

void Worker::Stop() {
  Post([this] { io_.stop(); });
}

void Worker::Post(absl::AnyInvocable<void()> function) {
  boost::asio::post(io_, [function = std::move(function)]() mutable { function(); });
}

void Worker::Wake(bool for_capacity) {
  // Only capacity lets those try again whom the pool refused: else each such attempt, which takes
  // and gives back a permit, would wake the next.
  if (for_capacity) capacity_came_.store(true);
  if (wake_is_posted_.exchange(true)) return;
  Post([this] {
    wake_is_posted_.store(false);
    if (capacity_came_.exchange(false)) ++capacity_epoch_;
    StartWaiting();
  });
}

bool Worker::IsCurrentThread() const { return t_current_worker == this; }

WorkerSnapshot Worker::Snapshot() const {
  return {.worker = options_.index,
          .pool = pool_->stats(),
          .stacks = stacks_->stats(),
          .running = running_count_.load(std::memory_order_relaxed),
          .waiting = waiting_count_.load(std::memory_order_relaxed),
          .finished = finished_.Get(),
          .kills = kills_.Get()};
}

const RoutingSnapshot& Worker::snapshot() {
  options_.snapshots->Refresh(snapshot_);
  if (snapshot_ == nullptr) snapshot_ = std::make_shared<const RoutingSnapshot>();
  return *snapshot_;
}

void Worker::ReclaimIdle(uint64_t bytes) {
  const uint64_t given = pool_->ReclaimIdle(bytes);
  if (given < bytes) stacks_->ReclaimIdle(bytes - given);
  if (budget_.TakeHasShrunk()) {
    options_.ledger->budget.waiters().WakeAll(options_.ledger->wake_for_capacity);
  }
}

// ---- The way in.

std::variant<Ticket, Failure> Worker::AdmitRoute(Route route,
                                                 std::optional<uint64_t> declared_bytes) {
  const std::shared_ptr<const TenantEntry> tenant = route.tenant;
  auto result = Admit(*options_.ledger, accounts_, std::move(route), declared_bytes,
                      options_.clock->MonotonicNs());
  if (const Failure* failure = std::get_if<Failure>(&result)) {
    CountRejection(tenant->name, failure->reason);
  }
  return result;
}

void Worker::CountRejection(absl::string_view tenant, Reason reason) {
  if (options_.metrics != nullptr) options_.metrics->CountRejection(tenant, FactsOf(reason).name);
}

void Worker::Invoke(InvokeRequest request, InvokeDone done) {
  const auto refuse = [&done](Failure failure) {
    InvokeOutcome outcome;
    outcome.result = std::move(failure);
    done(std::move(outcome));
  };
  RouteResult routed = RouteReference(snapshot(), request.function);
  if (Failure* failure = std::get_if<Failure>(&routed)) return refuse(std::move(*failure));
  Route& route = std::get<Route>(routed);
  const HttpInput* http = std::get_if<HttpInput>(&request.input);
  const bool wants_export = route.revision->abi == GuestAbi::kExport;
  if (wants_export != (http == nullptr)) {
    return refuse(MakeFailure(Reason::WRONG_ABI,
                              absl::StrCat(route.revision->ResourceName(), " is a ",
                                           ToString(route.revision->abi), " function")));
  }
  const uint64_t body_bytes = http == nullptr ? 0 : http->body.size();
  auto admitted = AdmitRoute(std::move(route), body_bytes);
  if (Failure* failure = std::get_if<Failure>(&admitted)) return refuse(std::move(*failure));
  Ticket& ticket = std::get<Ticket>(admitted);
  if (auto failure = ticket.Buffer(body_bytes)) {
    CountRejection(ticket.route().tenant->name, failure->reason);
    return refuse(*std::move(failure));
  }
  Submit(std::move(ticket), std::move(request), std::move(done));
}

void Worker::Submit(Ticket ticket, InvokeRequest request, InvokeDone done) {
  const uint64_t unix_ms = static_cast<uint64_t>(absl::GetCurrentTimeNanos()) / 1'000'000;
  auto* invocation =
      new Invocation(ids_.Next(unix_ms), std::move(ticket), std::move(request), std::move(done),
                     options_.clock->MonotonicNs());
  invocation->home_worker = options_.index;
  Link(invocation);
  // Behind those of its tenant that wait already; else straight on.
  if (waiting_.empty() || !waiting_.HasTenant(invocation->tenant)) {
    invocation->Hold(Permit::TryAcquire(*options_.ledger, invocation->ticket()));
  }
  if (!invocation->permit.has_value()) return Wait(invocation);
  MakeReady(invocation);
  if (in_turn_ || turn_is_posted_ || ready_.count() > 1) return ScheduleTurn();
  RunTurn();
}

void Worker::Wait(Invocation* invocation) {
  if (auto failure = invocation->ticket().Enqueue(/*could_run=*/false)) {
    CountRejection(invocation->route().tenant->name, failure->reason);
    return Fail(invocation, *std::move(failure));
  }
  waiting_.Add(invocation);
  StartWaiting();
  ArmHousekeeping();
}

// The pool had no slot or memory for it.
void Worker::WaitAgain(Invocation* invocation) {
  invocation->permit.reset();
  invocation->state = State::kWaiting;
  invocation->refused_in_epoch = capacity_epoch_;
  if (!invocation->was_refused) ++refused_waiting_;
  invocation->was_refused = true;
  if (auto failure = invocation->ticket().Enqueue(/*could_run=*/true)) {
    return Fail(invocation, *std::move(failure));
  }
  waiting_.AddAgain(invocation);
  options_.ledger->budget.waiters().Mark(options_.index);
  ArmHousekeeping();
}

bool Worker::TryStart(Invocation* invocation) {
  if (invocation->refused_in_epoch == capacity_epoch_) return false;
  invocation->Hold(
      Permit::AcquireOrMark(*options_.ledger, invocation->ticket(), options_.index));
  return invocation->permit.has_value();
}

void Worker::StartWaiting() {
  Invocation* started = nullptr;
  const auto start = [&](Invocation* invocation) {
    if (!TryStart(invocation)) return false;
    started = invocation;
    return true;
  };
  while (!waiting_.empty() && waiting_.StartNext(start)) {
    started->ticket().LeaveQueue();
    MakeReady(started);
  }
  waiting_count_.store(waiting_.count(), std::memory_order_relaxed);
  if (!ready_.empty()) ScheduleTurn();
}

void Worker::MakeReady(Invocation* invocation) {
  invocation->state = State::kReady;
  invocation->ready_since_ns = options_.clock->MonotonicNs();
  ready_.Push(invocation->tenant, invocation);
}

// ---- Turns.

void Worker::ScheduleTurn() {
  if (turn_is_posted_ || in_turn_) return;  // Who is in a turn posts the next at its end.
  turn_is_posted_ = true;
  boost::asio::post(io_, [this] {
    turn_is_posted_ = false;
    RunTurn();
  });
}

void Worker::RunTurn() {
  if (in_turn_ || ready_.empty()) return;
  in_turn_ = true;
  is_idle_.store(false, std::memory_order_relaxed);
  Invocation* invocation = ready_.Pop();
  if (!invocation->has_started() && invocation->client_is_gone()) {
    invocation->Stop(MakeFailure(Reason::CLIENT_GONE));
  }
  if (!invocation->has_started() && invocation->is_stopped()) {
    Finish(invocation);
  } else if (!HandOff(invocation, options_.clock->MonotonicNs()) && Prepare(invocation)) {
    RunSlice(invocation);
  }
  in_turn_ = false;
  if (ready_.empty()) {
    is_idle_.store(true, std::memory_order_relaxed);
  } else {
    ScheduleTurn();
  }
}

bool Worker::HandOff(Invocation* invocation, uint64_t now_ns) {
  if (options_.group == nullptr || invocation->has_started() ||
      now_ns - invocation->ready_since_ns < kSliceNs) {
    return false;
  }
  for (uint32_t i = 0; i < options_.group->worker_count(); ++i) {
    Worker& other = options_.group->worker(i);
    if (&other == this || !other.ClaimIdle()) continue;
    Unlink(invocation);
    other.Adopt(invocation);
    return true;
  }
  return false;
}

void Worker::Adopt(Invocation* invocation) {
  Post([this, invocation] {
    Link(invocation);
    MakeReady(invocation);
    ScheduleTurn();
  });
}

bool Worker::Prepare(Invocation* invocation) {
  if (invocation->has_started()) return true;
  const uint64_t promised_bytes = invocation->ticket().limits().Get(LimitName::kStack) +
                                  engine::abi::kStackReserveBytes + kHostFramesBytes;
  absl::StatusOr<pool::StackLease> stack =
      stacks_->Take(pool::TenantId{invocation->tenant}, promised_bytes);
  if (stack.ok()) {
    invocation->Prepare(*host_, *std::move(stack));
    running_count_.store(running_count_.load(std::memory_order_relaxed) + 1,
                         std::memory_order_relaxed);
    return true;
  }
  if (absl::IsUnavailable(stack.status())) {
    // Warm instances may hold the memory that a stack needs.
    if (budget_.TakeRefusedBytes() != 0) ReclaimIdle(promised_bytes);
    WaitAgain(invocation);
  } else {
    Fail(invocation, MakeFailure(Reason::HOST_FAULT, stack.status().ToString()));
  }
  return false;
}

void Worker::RunSlice(Invocation* invocation) {
  const uint64_t now_ns = options_.clock->MonotonicNs();
  host_->slice_end_ns = now_ns + kSliceNs;
  watch_->Start(std::min(host_->slice_end_ns, invocation->NextLimitNs(now_ns)));
  invocation->Resume();
  watch_->Stop();
  switch (invocation->state) {
    case State::kReady: ready_.Push(invocation->tenant, invocation); break;
    case State::kSleeping: Sleep(invocation); break;
    case State::kRefused:
      invocation->ReleaseStack();
      running_count_.store(running_count_.load(std::memory_order_relaxed) - 1,
                           std::memory_order_relaxed);
      WaitAgain(invocation);
      break;
    case State::kOver: Finish(invocation); break;
    case State::kWaiting:
    case State::kRunning: TP_CHECK(!"a fiber that gave the thread back without a reason");
  }
  if (budget_.TakeHasShrunk()) {
    options_.ledger->budget.waiters().WakeAll(options_.ledger->wake_for_capacity);
  }
}

void Worker::Sleep(Invocation* invocation) {
  sleeping_.emplace(invocation->wake_at_ns, invocation);
  ArmSleepTimer();
  ArmHousekeeping();
}

void Worker::ArmSleepTimer() {
  if (sleeping_.empty()) return;
  const uint64_t now_ns = options_.clock->MonotonicNs();
  const uint64_t at_ns = std::max(sleeping_.begin()->first, now_ns);
  sleep_timer_.expires_after(
      std::chrono::nanoseconds(std::min<uint64_t>(at_ns - now_ns, 3'600'000'000'000)));
  sleep_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) WakeSleepers();
  });
}

void Worker::WakeSleepers() {
  const uint64_t now_ns = options_.clock->MonotonicNs();
  while (!sleeping_.empty() && sleeping_.begin()->first <= now_ns) {
    MakeReady(sleeping_.begin()->second);
    sleeping_.erase(sleeping_.begin());
  }
  ArmSleepTimer();
  if (!ready_.empty()) ScheduleTurn();
}

}  // namespace tidepool::daemon
