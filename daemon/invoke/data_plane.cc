#include "daemon/invoke/data_plane.h"

#include <sched.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "daemon/invoke/failure.h"
#include "engine/abi/thread_control.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {

pool::StackPoolOptions DataPlane::DefaultStacks(uint64_t stack_count) {
  pool::StackPoolOptions options;
  options.stack_count = stack_count;
  // Address space only: pages come when they are touched, and are promised per function.
  options.stack_bytes =
      FactsOf(LimitName::kStack).largest + engine::abi::kStackReserveBytes + 128 * kKiB;
  return options;
}

absl::StatusOr<std::unique_ptr<DataPlane>> DataPlane::Create(const Options& options) {
  if (options.worker_count == 0 || options.worker_count > kWorkersMax) {
    return absl::InvalidArgumentError(absl::StrCat("workers=", options.worker_count,
                                                   " must be from 1 to ", kWorkersMax));
  }
  std::unique_ptr<DataPlane> plane(new DataPlane(options));
  for (uint32_t i = 0; i < options.worker_count; ++i) {
    TP_ASSIGN_OR_RETURN(
        std::unique_ptr<Worker> worker,
        Worker::Create({.index = i,
                        .pool = options.pool,
                        .stacks = options.stacks,
                        .ledger = plane->ledger_.get(),
                        .snapshots = options.snapshots,
                        .logs = options.logs,
                        .metrics = options.metrics ? &options.metrics->AddShard() : nullptr,
                        .clock = &plane->clock_,
                        .timer = &plane->timer_,
                        .group = options.worker_count > 1 ? plane.get() : nullptr}));
    plane->workers_.push_back(std::move(worker));
  }
  DataPlane* const self = plane.get();
  self->ledger_->wake_for_concurrency = [self](uint32_t i) { self->workers_[i]->Wake(false); };
  self->ledger_->wake_for_capacity = [self](uint32_t i) { self->workers_[i]->Wake(true); };
  return plane;
}

DataPlane::DataPlane(const Options& options)
    : options_(options),
      ledger_(std::make_unique<HostLedger>(options.host_limits)),
      timer_(clock_) {}

DataPlane::~DataPlane() { Stop(); }

void DataPlane::Start() {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    threads_.emplace_back([worker = worker.get()] { worker->Run(); });
  }
}

void DataPlane::Stop() {
  if (threads_.empty()) return;
  StopRest();
  AwaitIdle(absl::InfiniteDuration());
  for (const std::unique_ptr<Worker>& worker : workers_) worker->Stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void DataPlane::BeginDrain() { ledger_->draining.store(true); }

void DataPlane::PingWorkers() {
  if (!WorkersAnswered()) return;
  unanswered_pings_.store(worker_count());
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->Post([this] { unanswered_pings_.fetch_sub(1); });
  }
}

bool DataPlane::WorkersAnswered() const { return unanswered_pings_.load() == 0; }

bool DataPlane::AwaitIdle(absl::Duration timeout) {
  // Polled: nothing on the path of requests shall pay for the few seconds in which this matters.
  const absl::Time until = absl::Now() + timeout;
  for (;;) {
    std::atomic<uint64_t> live{0};
    OnEachWorker([&live](Worker& worker) { live += worker.live_count(); });
    if (live == 0) return true;
    if (absl::Now() >= until) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
}

void DataPlane::StopRest() {
  BeginDrain();
  OnEachWorker([](Worker& worker) { worker.StopAll(MakeFailure(Reason::DRAINING)); });
}

void DataPlane::Invoke(InvokeRequest request, InvokeDone done) {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    if (worker->IsCurrentThread()) return worker->Invoke(std::move(request), std::move(done));
  }
  const int core = ::sched_getcpu();
  Worker* worker = workers_[static_cast<uint32_t>(core < 0 ? 0 : core) % workers_.size()].get();
  worker->Post([worker, request = std::move(request), done = std::move(done)]() mutable {
    worker->Invoke(std::move(request), std::move(done));
  });
}

void DataPlane::OnEachWorker(const std::function<void(Worker&)>& function) {
  if (threads_.empty()) {
    for (const std::unique_ptr<Worker>& worker : workers_) function(*worker);
    return;
  }
  absl::BlockingCounter left(static_cast<int>(workers_.size()));
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->Post([&function, &left, worker = worker.get()] {
      function(*worker);
      left.DecrementCount();
    });
  }
  left.Wait();
}

HostSnapshot DataPlane::Snapshot() const {
  HostSnapshot snapshot{.memory_budget_bytes = ledger_->budget.bytes_max(),
                        .memory_charged_bytes = ledger_->budget.charged_bytes(),
                        .buffered_body_bytes = ledger_->buffered_body_bytes.Get(),
                        .queued = ledger_->queued.Get(),
                        .growth = std::string(pool::NameOf(options_.pool.growth)),
                        .reset = std::string(pool::NameOf(options_.pool.reset)),
                        .kernel_features = pool::DescribeKernelFeatures(options_.pool.features)};
  for (const std::unique_ptr<Worker>& worker : workers_) {
    snapshot.workers.push_back(worker->Snapshot());
  }
  return snapshot;
}

std::vector<pool::StorageReport> DataPlane::ListStorages() {
  absl::Mutex mutex;
  std::vector<pool::StorageReport> reports;
  OnEachWorker([&](Worker& worker) {
    worker.pool().ForEachStorage([&](const pool::StorageReport& report) {
      absl::MutexLock lock(&mutex);
      reports.push_back(report);
    });
  });
  return reports;
}

VerifyReport DataPlane::Verify() {
  absl::Mutex mutex;
  VerifyReport report;
  OnEachWorker([&](Worker& worker) {
    const pool::PoolStats before = worker.pool().stats();
    const absl::Status verified = worker.pool().VerifyIdle();
    const pool::PoolStats after = worker.pool().stats();
    absl::MutexLock lock(&mutex);
    report.verified_slots += before.slots.warm;
    report.quarantined_slots += after.quarantined_by_verify - before.quarantined_by_verify;
    if (!verified.ok()) report.differences.push_back(std::string(verified.message()));
  });
  return report;
}

absl::Status DataPlane::CheckFits(const engine::Module& module) {
  return workers_[0]->pool().CheckFits(module);  // All pools are made alike; a pure question.
}

void DataPlane::Evict(uint64_t module_id) {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->Post([module_id, worker = worker.get()] { worker->pool().EvictModule(module_id); });
  }
}

}  // namespace tidepool::daemon
