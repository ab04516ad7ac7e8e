// HostBudget: the memory that this process may promise, and what is promised of it, over all
// workers.
//
//   charged when promised, not when touched: slots, stacks, tables, images (by the pools), and
//   bodies that are buffered or wait in queues (by admission)
//
// Life     Outlives the pools.
// Threads  Thread-safe, lock-free.
// Source   service.md, "Host memory budget".
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "daemon/invoke/accounts.h"
#include "daemon/invoke/waiter_set.h"

namespace tidepool::daemon {

class HostBudget {
 public:
  explicit HostBudget(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  bool TryCharge(uint64_t bytes) { return charged_.TryAdd(bytes, bytes_max_); }
  void Release(uint64_t bytes) { charged_.Subtract(bytes); }

  uint64_t bytes_max() const { return bytes_max_; }
  uint64_t charged_bytes() const { return charged_.Get(); }
  // Workers with requests that wait for memory or a slot.
  WaiterSet& waiters() { return waiters_; }

 private:
  const uint64_t bytes_max_;
  BoundedCount charged_;
  WaiterSet waiters_;
};

// What memory.budget is when it is not set: 70 % of the smaller of MemTotal and the limits of the
// memory cgroups this process is in (v2 memory.max and v1 memory.limit_in_bytes, at every level).
struct DefaultBudget {
  uint64_t bytes = 0;
  std::string source;  // "70 % of MemTotal 23.5GiB"
};
// `root`: "/" but in tests, where proc and sys/fs/cgroup are looked for beneath it.
DefaultBudget ReadDefaultBudget(absl::string_view root = "/");

}  // namespace tidepool::daemon
