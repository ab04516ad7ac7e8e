// Worker: one data-plane thread and all that hangs on it: its event loop, pool, stacks, fibers.
//
//   io_context ── sessions ─Submit→ waiting ─permit→ ready ─slice→ fiber … → done
//        ▲                             ▲ a lease ended, another worker gave back, 20 ms passed
//        └── polled between slices, so that neighbours of a busy guest are served
//
// A request that finds the thread free runs at once, inside Submit: no queue, no hand-off.  One that
// has waited more than a millisecond for its first slice goes to a worker that is idle.
//
// Life     Create → (listeners are attached) → Run on its thread → Stop.
// Threads  Post, Wake, Stop, stats, Adopt: any.  All else: the worker's own.
// Source   architecture.md, "Threads".
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <variant>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "daemon/catalogue/routing_snapshot.h"
#include "daemon/invoke/admission.h"
#include "daemon/invoke/attention_timer.h"
#include "daemon/invoke/invocation.h"
#include "daemon/invoke/pool_inspector.h"
#include "daemon/invoke/scheduler.h"
#include "daemon/invoke/ulid.h"
#include "daemon/invoke/worker_budget.h"
#include "daemon/telemetry/metrics.h"

namespace tidepool::daemon {

class WorkerGroup;

class Worker {
 public:
  static constexpr uint64_t kSliceNs = 1'000'000;

  struct Options {
    uint32_t index = 0;
    pool::PoolOptions pool;           // `budget` is the worker's own affair.
    pool::StackPoolOptions stacks;
    HostLedger* ledger = nullptr;
    SnapshotPublisher* snapshots = nullptr;
    FunctionLogs* logs = nullptr;     // May be null.
    MetricsShard* metrics = nullptr;  // May be null.
    const Clock* clock = nullptr;
    AttentionTimer* timer = nullptr;
    WorkerGroup* group = nullptr;     // Null: there is nobody to hand off to.
  };
  static absl::StatusOr<std::unique_ptr<Worker>> Create(const Options& options);
  ~Worker();

  boost::asio::io_context& io() { return io_; }
  uint32_t index() const { return options_.index; }

  // The thread's body; returns after Stop.
  void Run();
  void Stop();
  void Post(absl::AnyInvocable<void()> function);
  // Look at the queue again: something was given back elsewhere.
  void Wake(bool for_capacity);
  // Takes over an invocation that has not started.
  void Adopt(Invocation* invocation);
  // Was idle and is now taken by the caller, who will Adopt something.
  bool ClaimIdle() { return is_idle_.exchange(false, std::memory_order_relaxed); }
  bool IsCurrentThread() const;
  WorkerSnapshot Snapshot() const;

  // ---- The worker's thread.
  const RoutingSnapshot& snapshot();
  std::variant<Ticket, Failure> AdmitRoute(Route route, std::optional<uint64_t> declared_bytes);
  void Submit(Ticket ticket, InvokeRequest request, InvokeDone done);
  // Route, admit, submit: for doors that have the whole request at once.
  void Invoke(InvokeRequest request, InvokeDone done);
  // A refusal at the door, for the metrics.
  void CountRejection(absl::string_view tenant, Reason reason);
  // Ends all that waits, sleeps or runs.
  void StopAll(const Failure& failure);
  uint64_t live_count() const { return live_count_; }
  const Clock& clock() const { return *options_.clock; }
  pool::InstancePool& pool() { return *pool_; }
  // Gives back idle storage and stacks.
  void ReclaimIdle(uint64_t bytes);

 private:
  explicit Worker(const Options& options);

  // Queueing.
  void Wait(Invocation* invocation);
  void WaitAgain(Invocation* invocation);
  void StartWaiting();
  bool TryStart(Invocation* invocation);
  void MakeReady(Invocation* invocation);

  // Running.
  void ScheduleTurn();
  void RunTurn();
  bool HandOff(Invocation* invocation, uint64_t now_ns);
  bool Prepare(Invocation* invocation);
  void RunSlice(Invocation* invocation);
  void Sleep(Invocation* invocation);
  void WakeSleepers();
  void ArmSleepTimer();

  // Ending.
  void Fail(Invocation* invocation, Failure failure);
  void Finish(Invocation* invocation);
  void Count(const Invocation& invocation);

  // Deadlines, clients that left, capacity that came back unnoticed: every 20 ms while somebody
  // waits or sleeps, never otherwise.
  void ArmHousekeeping();
  void KeepHouse();

  void Link(Invocation* invocation);
  void Unlink(Invocation* invocation);

  const Options options_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer sleep_timer_;
  boost::asio::steady_timer house_timer_;
  WorkerBudget budget_;
  std::unique_ptr<pool::InstancePool> pool_;
  std::unique_ptr<pool::StackPool> stacks_;
  std::unique_ptr<InvocationHost> host_;
  AccountCache accounts_;
  UlidSource ids_;
  AttentionTimer::Watch* watch_ = nullptr;
  std::shared_ptr<const RoutingSnapshot> snapshot_;

  ReadyQueue<Invocation*> ready_;
  WaitingQueue<Invocation> waiting_;
  std::multimap<uint64_t, Invocation*> sleeping_;  // By wake_at_ns.
  Invocation* first_ = nullptr;                    // Of all.
  uint64_t live_count_ = 0;
  // Grows whenever a slot, stack or memory may have come free.
  uint64_t capacity_epoch_ = 1;
  uint64_t refused_waiting_ = 0;
  bool in_turn_ = false;
  bool turn_is_posted_ = false;
  bool house_is_armed_ = false;

  // Thread-safe by themselves.
  std::atomic<bool> wake_is_posted_{false};
  std::atomic<bool> capacity_came_{false};
  std::atomic<bool> is_idle_{true};
  SingleWriterCounter started_;
  SingleWriterCounter finished_;
  SingleWriterCounter kills_;
  std::atomic<uint64_t> waiting_count_{0};
  std::atomic<uint64_t> running_count_{0};
};

// The workers of a process, as they see each other.
class WorkerGroup {
 public:
  virtual ~WorkerGroup() = default;
  virtual Worker& worker(uint32_t index) = 0;
  virtual uint32_t worker_count() const = 0;
};

}  // namespace tidepool::daemon
