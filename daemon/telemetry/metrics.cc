#include "daemon/telemetry/metrics.h"

#include <map>

#include "absl/strings/str_cat.h"

namespace tidepool::daemon {
namespace {

constexpr char kSeparator = '\0';
constexpr absl::string_view kOther = "other";

std::string FunctionKey(absl::string_view tenant, absl::string_view function) {
  std::string key(tenant);
  key.push_back(kSeparator);
  absl::StrAppend(&key, function);
  return key;
}

std::pair<absl::string_view, absl::string_view> SplitKey(absl::string_view key) {
  const size_t at = key.find(kSeparator);
  return {key.substr(0, at), key.substr(at + 1)};
}

void WriteCounts(ExpositionWriter& writer, const std::map<std::string, std::map<std::string, uint64_t>>& counts,
                 bool by_function, absl::string_view label) {
  for (const auto& [key, outcomes] : counts) {
    const auto [tenant, function] = by_function ? SplitKey(key) : std::pair(absl::string_view(key),
                                                                            absl::string_view());
    for (const auto& [outcome, count] : outcomes) {
      std::vector<MetricLabel> labels = {{"tenant", tenant}};
      if (by_function) labels.emplace_back("function", function);
      labels.emplace_back(label, outcome);
      writer.Sample(labels, count);
    }
  }
}

}  // namespace

void MetricsShard::CountInvocation(const InvocationSample& sample) {
  Outcomes* outcomes = nullptr;
  Find(functions_, FunctionKey(sample.tenant, sample.function), sample.outcome, &outcomes).Add(1);
  outcomes->cpu_ns.Add(sample.cpu_ns);
  TenantTimes& times = FindTenant(sample.tenant);
  times.run.Add(sample.run_ns);
  times.queue.Add(sample.queue_ns);
  times.reset.Add(sample.reset_ns);
}

void MetricsShard::CountRejection(absl::string_view tenant, absl::string_view reason) {
  Outcomes* outcomes = nullptr;
  Find(rejections_, std::string(tenant), reason, &outcomes).Add(1);
}

void MetricsShard::CountKill(uint64_t latency_ns) { kill_latency_.Add(latency_ns); }

SingleWriterCounter& MetricsShard::Find(OutcomeMap& map, const std::string& key,
                                        absl::string_view outcome, Outcomes** found) {
  auto name = names_.find(key);
  if (name == names_.end()) {
    name = names_.emplace(key, metrics_.Name(key, &map == &functions_)).first;
  }
  auto entry = map.find(name->second);
  if (entry == map.end()) {
    absl::MutexLock lock(&mutex_);
    entry = map.emplace(name->second, std::make_unique<Outcomes>()).first;
  }
  *found = entry->second.get();
  for (auto& [known, count] : entry->second->counts) {
    if (known == outcome) return *count;
  }
  absl::MutexLock lock(&mutex_);
  entry->second->counts.emplace_back(std::string(outcome), std::make_unique<SingleWriterCounter>());
  return *entry->second->counts.back().second;
}

MetricsShard::TenantTimes& MetricsShard::FindTenant(absl::string_view tenant) {
  const std::string key(tenant);
  auto name = names_.find(key);
  if (name == names_.end()) name = names_.emplace(key, metrics_.Name(key, false)).first;
  auto entry = tenants_.find(name->second);
  if (entry == tenants_.end()) {
    absl::MutexLock lock(&mutex_);
    entry = tenants_.emplace(name->second, std::make_unique<TenantTimes>()).first;
  }
  return *entry->second;
}

MetricsShard& Metrics::AddShard() {
  absl::MutexLock lock(&mutex_);
  shards_.push_back(std::unique_ptr<MetricsShard>(new MetricsShard(*this)));
  return *shards_.back();
}

void Metrics::AddSource(std::function<void(ExpositionWriter&)> write) {
  absl::MutexLock lock(&mutex_);
  sources_.push_back(std::move(write));
}

void Metrics::CountCompile(absl::string_view tier, uint64_t duration_ns) {
  absl::MutexLock lock(&mutex_);
  std::unique_ptr<Histogram>& histogram = compiles_[std::string(tier)];
  if (histogram == nullptr) histogram = std::make_unique<Histogram>();
  histogram->Add(duration_ns);
}

std::string Metrics::Name(absl::string_view key, bool is_function) {
  absl::MutexLock lock(&mutex_);
  absl::flat_hash_set<std::string>& named = is_function ? named_functions_ : named_tenants_;
  if (named.size() < kNamedMax || named.contains(std::string(key))) {
    named.insert(std::string(key));
    return std::string(key);
  }
  return is_function ? FunctionKey(kOther, kOther) : std::string(kOther);
}

std::string Metrics::Expose() {
  std::map<std::string, std::map<std::string, uint64_t>> invocations;
  std::map<std::string, std::map<std::string, uint64_t>> rejections;
  std::map<std::string, uint64_t> cpu_ns;
  std::map<std::string, std::array<HistogramSum, 3>> times;
  HistogramSum kills;
  std::vector<std::function<void(ExpositionWriter&)>> sources;
  std::map<std::string, HistogramSum> compiles;
  {
    absl::MutexLock lock(&mutex_);
    sources = sources_;
    for (const auto& [tier, histogram] : compiles_) compiles[tier].Add(*histogram);
    for (const auto& shard : shards_) {
      absl::MutexLock shard_lock(&shard->mutex_);
      for (const auto& [key, outcomes] : shard->functions_) {
        for (const auto& [outcome, count] : outcomes->counts) invocations[key][outcome] += count->Get();
        cpu_ns[key] += outcomes->cpu_ns.Get();
      }
      for (const auto& [tenant, reasons] : shard->rejections_) {
        for (const auto& [reason, count] : reasons->counts) rejections[tenant][reason] += count->Get();
      }
      for (const auto& [tenant, found] : shard->tenants_) {
        times[tenant][0].Add(found->run);
        times[tenant][1].Add(found->queue);
        times[tenant][2].Add(found->reset);
      }
      kills.Add(shard->kill_latency_);
    }
  }

  ExpositionWriter writer;
  writer.Family("tidepool_invocations_total", "counter", "Invocations by outcome.");
  WriteCounts(writer, invocations, true, "outcome");
  writer.Family("tidepool_rejections_total", "counter", "Requests refused before they ran.");
  WriteCounts(writer, rejections, false, "reason");
  writer.Family("tidepool_cpu_seconds_total", "counter", "CPU time used by instances.");
  for (const auto& [key, ns] : cpu_ns) {
    const auto [tenant, function] = SplitKey(key);
    writer.Sample({{"tenant", tenant}, {"function", function}}, static_cast<double>(ns) / 1e9);
  }
  constexpr std::array<std::pair<absl::string_view, absl::string_view>, 3> kTimes = {{
      {"tidepool_invocation_duration_seconds", "From the lease to the end of the call."},
      {"tidepool_queue_wait_seconds", "From arrival to the lease."},
      {"tidepool_reset_seconds", "Reset of the storage after the call."},
  }};
  for (size_t i = 0; i < kTimes.size(); ++i) {
    writer.Family(kTimes[i].first, "histogram", kTimes[i].second);
    for (const auto& [tenant, sums] : times) writer.HistogramSample({{"tenant", tenant}}, sums[i]);
  }
  writer.Family("tidepool_kill_latency_seconds", "histogram", "From a limit reached to the slot free.");
  writer.HistogramSample({}, kills);
  writer.Family("tidepool_compile_seconds", "histogram", "Compiling an upload.");
  for (const auto& [tier, sum] : compiles) writer.HistogramSample({{"tier", tier}}, sum);
  for (const auto& source : sources) source(writer);
  return std::move(writer).Take();
}

}  // namespace tidepool::daemon
