// PoolInspector: what the control plane may see and do of the workers' pools.
//
// Threads  Thread-safe.  Calls other than Snapshot wait for the workers; never call them from one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "engine/runtime/module.h"
#include "pool/instance/instance_pool.h"
#include "pool/instance/stack_pool.h"
#include "pool/memory/stats.h"

namespace tidepool::daemon {

struct WorkerSnapshot {
  uint32_t worker = 0;
  pool::PoolStats pool;
  pool::StackStats stacks;
  uint64_t running = 0;       // Invocations that hold an instance.
  uint64_t waiting = 0;       // Queued for one.
  uint64_t finished = 0;      // Since the start, however they ended.
  uint64_t kills = 0;         // By a limit or because the client left.
};

struct HostSnapshot {
  uint64_t memory_budget_bytes = 0;
  uint64_t memory_charged_bytes = 0;
  uint64_t buffered_body_bytes = 0;
  uint64_t queued = 0;
  std::string growth;          // pool.growth
  std::string reset;           // pool.reset
  std::string kernel_features;
  std::vector<WorkerSnapshot> workers;
};

struct VerifyReport {
  uint64_t verified_slots = 0;
  uint64_t quarantined_slots = 0;  // By this verification.
  std::vector<std::string> differences;
};

class PoolInspector {
 public:
  virtual ~PoolInspector() = default;
  virtual HostSnapshot Snapshot() const = 0;
  // Every storage of every worker.
  virtual std::vector<pool::StorageReport> ListStorages() = 0;
  // Proves all idle warm storage.
  virtual VerifyReport Verify() = 0;
  // OK, or why this module can never get an instance: asked when it is deployed.
  virtual absl::Status CheckFits(const engine::Module& module) = 0;
  // Gives up idle storage of a module that is no longer deployed.
  virtual void Evict(uint64_t module_id) = 0;
};

}  // namespace tidepool::daemon
