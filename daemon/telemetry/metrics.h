// Metrics: what the daemon counts, and how a scrape reads it.
//
//   worker 0 ── MetricsShard ┐
//   worker 1 ── MetricsShard ├─ Metrics::Expose() → text
//   others   ── gauges ──────┘
//
// Shape    Counters per function, histograms per tenant; kNamedMax of each by name, all later ones
//          under "other" for as long as the daemon runs, so that a tenant cannot grow the page.
// Threads  A shard belongs to one thread, which counts without locks; Expose may run on any thread.
// Source   service.md, "Metrics".
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "daemon/telemetry/exposition.h"
#include "daemon/telemetry/histogram.h"

namespace tidepool::daemon {

// One finished invocation.
struct InvocationSample {
  absl::string_view tenant;
  absl::string_view function;
  absl::string_view outcome;  // "OK", or a reason's name; one of a fixed set.
  uint64_t queue_ns = 0;
  uint64_t run_ns = 0;
  uint64_t cpu_ns = 0;
  uint64_t reset_ns = 0;
};

class Metrics;

class MetricsShard {
 public:
  void CountInvocation(const InvocationSample& sample);
  // A request that never became an invocation.
  void CountRejection(absl::string_view tenant, absl::string_view reason);
  // From a limit reached to the slot free.
  void CountKill(uint64_t latency_ns);

 private:
  friend class Metrics;
  explicit MetricsShard(Metrics& metrics) : metrics_(metrics) {}

  struct Outcomes {
    // (outcome, count); a handful, so a list beats a map.
    std::vector<std::pair<std::string, std::unique_ptr<SingleWriterCounter>>> counts;
    SingleWriterCounter cpu_ns;
  };
  struct TenantTimes {
    Histogram run;
    Histogram queue;
    Histogram reset;
  };
  using OutcomeMap = absl::flat_hash_map<std::string, std::unique_ptr<Outcomes>>;

  SingleWriterCounter& Find(OutcomeMap& map, const std::string& key, absl::string_view outcome,
                            Outcomes** found);
  TenantTimes& FindTenant(absl::string_view tenant);

  Metrics& metrics_;
  // The owning thread reads without it; it is held to add an entry, and by a scrape.
  absl::Mutex mutex_;
  OutcomeMap functions_;   // "tenant\0function" → outcomes.
  OutcomeMap rejections_;  // tenant → reasons.
  absl::flat_hash_map<std::string, std::unique_ptr<TenantTimes>> tenants_;
  // What the owner was told to call a key: itself, or "other".
  absl::flat_hash_map<std::string, std::string> names_;
  Histogram kill_latency_;
};

class Metrics {
 public:
  static constexpr size_t kNamedMax = 1000;

  // A shard for the calling thread's use; lives as long as this.
  MetricsShard& AddShard() ABSL_LOCKS_EXCLUDED(mutex_);
  // `write` is called at each scrape, to add families of its own.
  void AddSource(std::function<void(ExpositionWriter&)> write) ABSL_LOCKS_EXCLUDED(mutex_);
  void CountCompile(absl::string_view tier, uint64_t duration_ns) ABSL_LOCKS_EXCLUDED(mutex_);

  std::string Expose() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  friend class MetricsShard;
  // `key` itself while there is room for its name, else the key with its last part "other".
  std::string Name(absl::string_view key, bool is_function) ABSL_LOCKS_EXCLUDED(mutex_);

  absl::Mutex mutex_;
  std::vector<std::unique_ptr<MetricsShard>> shards_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::function<void(ExpositionWriter&)>> sources_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> named_functions_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> named_tenants_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::unique_ptr<Histogram>> compiles_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tidepool::daemon
