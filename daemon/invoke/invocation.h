// Invocation: one call of a function, from its place in the queue to its answer.
//
//   kWaiting ─its turn→ kReady ⇄ kRunning ─→ kOver        kRunning ─sleeps→ kSleeping ─→ kReady
//                          └─ no slot or memory: kRefused ─→ kWaiting
//
// It runs on a fiber of its worker's thread, in slices; OnInterrupt ends a slice, finds limits that
// are reached, and decides to stop the guest, which then traps out by itself.
//
// Life     Owned by the worker that runs it, until `done` was called.
// Threads  One thread at a time: a worker's; another's only before it has started (hand-off).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "daemon/invoke/admission.h"
#include "daemon/invoke/clock.h"
#include "daemon/invoke/cpu_meter.h"
#include "daemon/invoke/fiber.h"
#include "daemon/invoke/guest_call.h"
#include "daemon/invoke/invoker.h"
#include "daemon/invoke/scheduler.h"
#include "daemon/invoke/worker_budget.h"
#include "daemon/logs/function_logs.h"
#include "engine/runtime/activation.h"
#include "pool/instance/instance_pool.h"
#include "pool/instance/stack_pool.h"

namespace tidepool::daemon {

using InvokeDone = absl::AnyInvocable<void(InvokeOutcome)>;

// What an invocation uses of the worker it runs on.
struct InvocationHost {
  HostLedger& ledger;
  const Clock& clock;
  pool::InstancePool& pool;
  WorkerBudget& budget;
  FunctionLogs* logs;  // Null: guests' lines are dropped.
  uint64_t thread_cpu_mark_ns = 0;
  uint64_t slice_end_ns = 0;  // Of the slice that runs.
};

class Invocation final : public engine::InterruptHandler, public WaitingEntry {
 public:
  enum class State : uint8_t { kWaiting, kReady, kRunning, kSleeping, kRefused, kOver };

  Invocation(std::string id, Ticket ticket, InvokeRequest request, InvokeDone done,
             uint64_t now_ns);

  // ---- For the worker.
  void Hold(std::optional<Permit> given) {
    if (given.has_value()) permit.emplace(*std::move(given));
  }
  // Builds the fiber; the first Resume starts it.
  void Prepare(InvocationHost& host, pool::StackLease stack);
  // Runs until the slice is over, it sleeps, or it is over; `state` tells.
  void Resume();
  // Gives the stack back; after kOver and kRefused.
  void ReleaseStack();
  // It ends with `failure`: at its next look when it runs; else the worker finishes it.
  void Stop(Failure failure);
  bool is_stopped() const { return stop_.has_value(); }
  // When the next limit could be reached, at the earliest.
  uint64_t NextLimitNs(uint64_t now_ns) const;
  bool has_started() const { return fiber_.has_value(); }
  bool client_is_gone() const {
    return request_.client_gone != nullptr &&
           request_.client_gone->load(std::memory_order_relaxed);
  }
  InvokeOutcome TakeOutcome();
  InvokeDone TakeDone() { return std::move(done_); }
  // What its end is called in metrics: "OK" or a reason.
  absl::string_view outcome_name() const;
  uint64_t kill_latency_ns() const { return kill_latency_ns_; }

  State state = State::kWaiting;
  std::optional<Permit> permit;
  uint64_t wake_at_ns = 0;       // While it sleeps.
  uint64_t ready_since_ns = 0;
  uint64_t refused_in_epoch = 0; // Of the worker's capacity; 0: never refused.
  bool was_refused = false;      // Its deadline then means HOST_CAPACITY.
  uint32_t home_worker = 0;      // Where its answer is awaited.
  Invocation* previous = nullptr;  // The worker's list of all.
  Invocation* next = nullptr;

  Ticket& ticket() { return ticket_; }
  const Route& route() const { return ticket_.route(); }
  const std::string& id() const { return id_; }
  uint64_t submitted_at_ns() const { return submitted_at_ns_; }
  uint64_t queue_ns() const { return queue_ns_; }
  uint64_t run_ns() const { return run_ns_; }
  uint64_t cpu_ns() const { return cpu_ns_; }
  uint64_t reset_ns() const { return reset_ns_; }

  // ---- On the fiber.
  engine::TrapCode OnInterrupt() noexcept override;
  engine::TrapCode SleepUntil(uint64_t until_ns);
  engine::TrapCode GiveWay();
  uint64_t CpuUsedNs();

 private:
  enum class Phase : uint8_t { kStartup, kCall };

  static void RunOnFiber(void* invocation);
  void Run();
  // lease → call → reset; false when there was nothing to lease.
  bool LeaseAndCall(engine::Activation& activation, engine::wasi::WasiContext* wasi,
                    ResponseOutput& output, InvocationLog& log);
  GuestResult Start(GuestCall& call, const std::optional<engine::Trap>& start_trap);
  GuestResult Call(GuestCall& call);
  void EndLease(pool::Lease& lease);
  void FailedToLease(const absl::Status& status);

  // A reason to stop the guest is there, now or since before.
  bool MustStop(uint64_t now_ns);
  std::optional<Failure> LimitReached(uint64_t now_ns);
  void StopFor(Failure failure, uint64_t reached_at_ns);
  // What a trap means to the caller.
  Failure FailureOf(engine::TrapCode code, const engine::Activation& activation) const;
  // A guest that failed after it was refused memory most likely failed for that.
  Failure BlameMemory(Failure failure, const engine::Store& store) const;
  std::optional<Failure> MemoryFailure(const engine::Store& store) const;
  void Suspend(State reason);
  const Limits& limits() const { return ticket_.limits(); }

  // Constant after construction.
  const std::string id_;
  const uint64_t submitted_at_ns_;

  Ticket ticket_;
  InvokeRequest request_;
  InvokeDone done_;
  std::shared_ptr<BodyCharge> charge_;

  // From Prepare on.
  InvocationHost* host_ = nullptr;
  std::optional<pool::StackLease> stack_;
  std::optional<Fiber> fiber_;
  std::optional<CpuMeter> meter_;

  // While it runs.
  Phase phase_ = Phase::kStartup;
  uint64_t wall_deadline_ns_ = UINT64_MAX;
  bool deadline_is_the_clients_ = false;
  uint64_t client_deadline_ns_ = UINT64_MAX;  // Monotonic.
  uint64_t leased_at_ns_ = 0;
  uint64_t slept_ns_ = 0;
  std::optional<Failure> stop_;
  uint64_t stop_reached_at_ns_ = 0;
  uint64_t budget_refused_bytes_ = 0;

  // The outcome.
  std::variant<HttpOutput, std::vector<TypedValue>, Failure> result_;
  uint64_t queue_ns_ = 0;
  uint64_t run_ns_ = 0;
  uint64_t cpu_ns_ = 0;
  uint64_t reset_ns_ = 0;
  uint64_t kill_latency_ns_ = 0;
};

}  // namespace tidepool::daemon
