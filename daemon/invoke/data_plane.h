// DataPlane: all workers of this process, and the way to them from other threads.
//
// Life     Create → (doors attach listeners to worker(i).io()) → Start → BeginDrain → AwaitIdle →
//          StopRest → destructor, which ends the threads.
// Threads  Thread-safe after Start.
// Source   architecture.md, "Threads"; service.md, "systemd" for the order of a drain.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/invoke/invoker.h"
#include "daemon/invoke/pool_inspector.h"
#include "daemon/invoke/worker.h"

namespace tidepool::daemon {

class DataPlane final : public Invoker, public PoolInspector, public WorkerGroup {
 public:
  struct Options {
    uint32_t worker_count = 1;
    pool::PoolOptions pool;          // Of each worker; budget and ledger are set here.
    pool::StackPoolOptions stacks;
    HostLedger::Limits host_limits;
    SnapshotPublisher* snapshots = nullptr;
    FunctionLogs* logs = nullptr;    // May be null.
    Metrics* metrics = nullptr;      // May be null.
  };
  // What one worker's stacks must be able to hold: the largest stack limit there is.
  static pool::StackPoolOptions DefaultStacks(uint64_t stack_count);

  // InvalidArgument, ResourceExhausted: what the pools say; the setting is named.
  static absl::StatusOr<std::unique_ptr<DataPlane>> Create(const Options& options);
  ~DataPlane() override;

  void Start();
  // New requests are refused with DRAINING.
  void BeginDrain();
  // Posts a ping to each worker, unless its last one is still unanswered.
  void PingWorkers();
  // No ping is unanswered: every worker's loop has turned since the last PingWorkers.
  bool WorkersAnswered() const;
  // False: something still waits or runs when `timeout` has passed.
  bool AwaitIdle(absl::Duration timeout);
  // The rest ends with DRAINING.
  void StopRest();
  // Ends the threads; no door may call afterwards.
  void Stop();

  // Invoker.  Runs on the caller's own worker, or the one of the core the caller is on.
  void Invoke(InvokeRequest request, InvokeDone done) override;

  // PoolInspector.
  HostSnapshot Snapshot() const override;
  std::vector<pool::StorageReport> ListStorages() override;
  VerifyReport Verify() override;
  absl::Status CheckFits(const engine::Module& module) override;
  void Evict(uint64_t module_id) override;

  // WorkerGroup.
  Worker& worker(uint32_t index) override { return *workers_[index]; }
  uint32_t worker_count() const override { return static_cast<uint32_t>(workers_.size()); }

  HostLedger& ledger() { return *ledger_; }

 private:
  explicit DataPlane(const Options& options);
  // Runs `function` on each worker's thread and waits.
  void OnEachWorker(const std::function<void(Worker&)>& function);

  const Options options_;
  SystemClock clock_;
  std::unique_ptr<HostLedger> ledger_;
  AttentionTimer timer_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<uint32_t> unanswered_pings_{0};
  std::vector<std::thread> threads_;
};

}  // namespace tidepool::daemon
