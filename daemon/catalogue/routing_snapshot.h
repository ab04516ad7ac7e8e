// RoutingSnapshot: everything the data plane needs to know about tenants, functions and routes, at
// one moment.
//
// Life     Built by the catalogue after each change, published atomically (SnapshotPublisher); old
//          ones go with their last reader.
// Threads  Immutable; thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

#include "daemon/catalogue/function_revision.h"
#include "daemon/tenants/limits.h"

namespace tidepool::daemon {

struct FunctionEntry {
  std::string name;
  uint64_t serving_revision = 0;  // What F, F@latest mean.
  std::map<uint64_t, std::shared_ptr<const FunctionRevision>> revisions;
  // Effective for each revision: limits of tenant and revision together.
  std::map<uint64_t, std::shared_ptr<const Limits>> limits;
};

struct TenantEntry {
  std::string name;
  // Stable while the daemon runs, never reused: the key of counters, queues and pool affinity.
  uint64_t id = 0;
  std::shared_ptr<const Limits> limits;
  absl::flat_hash_map<std::string, FunctionEntry> functions;
};

// host + path prefix → function [@revision].
struct RouteEntry {
  std::string path_prefix;  // "/" or "/a/b", whole segments, no slash at the end.
  std::string tenant;
  std::string function;
  uint64_t revision = 0;  // 0: the one that serves.
};

struct RoutingSnapshot {
  uint64_t version = 0;
  absl::flat_hash_map<std::string, std::shared_ptr<const TenantEntry>> tenants;
  // By host (lower case, no port, no final dot); each list with the longest prefix first.
  absl::flat_hash_map<std::string, std::vector<RouteEntry>> routes;
};

class SnapshotPublisher {
 public:
  void Publish(std::shared_ptr<const RoutingSnapshot> snapshot) ABSL_LOCKS_EXCLUDED(mutex_);
  // For readers that keep their own copy: refreshes `held` when a newer one is there.  One relaxed
  // load when nothing changed.
  void Refresh(std::shared_ptr<const RoutingSnapshot>& held) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  std::atomic<uint64_t> version_{0};
  absl::Mutex mutex_;
  std::shared_ptr<const RoutingSnapshot> snapshot_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tidepool::daemon
