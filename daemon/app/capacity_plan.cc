#include "daemon/app/capacity_plan.h"

#include <algorithm>
#include <thread>

#include "absl/strings/str_cat.h"
#include "engine/platform/cpu_features.h"
#include "engine/support/status_macros.h"
#include "pool/instance/pool_options.h"
#include "pool/memory/capacity.h"

namespace tidepool::daemon {
namespace {

// State areas hold contexts, records and tables: address space, touched where it is used.
constexpr uint64_t kStateBytesMax = 8 * kMiB;
constexpr uint64_t kTableElementsMax = 250'000;
// Modules with warm instances on one worker at the same time, for the count of descriptors.
constexpr uint64_t kImagesPerWorker = 256;

pool::CapacityNeeds NeedsOf(const DaemonPlan& plan) {
  const DataPlane::Options& options = plan.data_plane;
  pool::CapacityNeeds needs = pool::CapacityNeedsOf(options.pool, options.worker_count);
  needs.stack_count = options.stacks.stack_count * options.worker_count;
  needs.stack_bytes = options.stacks.stack_bytes + options.stacks.guard_bytes;
  needs.image_count = std::min(kImagesPerWorker, options.pool.slot_count) * options.worker_count;
  needs.memory_bytes_max = plan.capacity.memory_bytes_max;
  return needs;
}

}  // namespace

absl::StatusOr<DaemonPlan> PlanDaemon(const Settings& settings) {
  DaemonPlan plan;
  DataPlane::Options& options = plan.data_plane;
  const uint64_t cores = std::max<uint64_t>(1, std::thread::hardware_concurrency());
  options.worker_count =
      static_cast<uint32_t>(settings.workers != 0 ? settings.workers
                                                  : std::min<uint64_t>(cores, kWorkersMax));
  pool::PoolOptions& pool = options.pool;
  pool.slot_count = settings.pool_slots;
  if (settings.pool_slot_bytes != 0) pool.slot_bytes = settings.pool_slot_bytes;
  pool.state_bytes_max = kStateBytesMax;
  TP_ASSIGN_OR_RETURN(pool.growth, pool::GrowthKindOf(settings.pool_growth));
  TP_ASSIGN_OR_RETURN(pool.reset, pool::ResetKindOf(settings.pool_reset));
  TP_ASSIGN_OR_RETURN(pool.features,
                      pool::KernelFeaturesFromSetting(settings.pool_kernel_features));
  TP_RETURN_IF_ERROR(pool::CheckStrategies(pool.growth, pool.reset, pool.features));
  pool.verify_rate = settings.pool_verify_rate;
  options.stacks = DataPlane::DefaultStacks(settings.pool_slots);

  const DefaultBudget budget = ReadDefaultBudget();
  const bool is_set = settings.memory_budget_bytes != 0;
  options.host_limits = {
      .memory_bytes = is_set ? settings.memory_budget_bytes : RoundDown(budget.bytes, kMiB),
      .buffered_body_bytes_max = settings.http_buffered_body_bytes_max,
      .queued_max = settings.http_queued_max};
  plan.budget_source = is_set ? std::string("memory.budget") : budget.source;

  plan.capacity = {
      .memory_bytes_max =
          std::min({4 * kGiB, pool.slot_bytes, options.host_limits.memory_bytes}),
      .stack_bytes_max = FactsOf(LimitName::kStack).largest,
      .table_elements_max = kTableElementsMax,
      .request_body_bytes_max = settings.http_buffered_body_bytes_max,
      .response_body_bytes_max =
          std::min(FactsOf(LimitName::kResponseBody).largest, options.host_limits.memory_bytes)};
  return plan;
}

absl::Status CheckPlan(const DaemonPlan& plan) {
  return pool::CheckCapacity(NeedsOf(plan), pool::ReadSystemLimits());
}

std::string DescribePlan(const Settings& settings, const DaemonPlan& plan) {
  const DataPlane::Options& options = plan.data_plane;
  std::string text = absl::StrCat(
      "workers                 ", options.worker_count, "\n",
      "pool.slots              ", options.pool.slot_count, " per worker\n",
      "pool.slot_bytes         ", FormatBytes(options.pool.slot_bytes), "\n",
      "memory budget           ", FormatBytes(options.host_limits.memory_bytes), " (",
      plan.budget_source, ")\n\n");
  const absl::StatusOr<pool::CapacityPlan> capacity = pool::PlanCapacity(NeedsOf(plan));
  if (capacity.ok()) {
    absl::StrAppend(&text, pool::DescribeCapacity(*capacity, pool::ReadSystemLimits()), "\n");
  }
  absl::StrAppend(&text, "kernel features (", options.pool.features.source, ")\n",
                  pool::DescribeKernelFeatures(options.pool.features), "\nlimits of a tenant\n");
  for (size_t i = 0; i < kLimitCount; ++i) {
    const LimitName name = static_cast<LimitName>(i);
    std::string row(FactsOf(name).name);
    row.resize(24, ' ');
    absl::StrAppend(&text, row, FormatLimit(name, settings.limits.Get(name)), "\n");
  }
  return text;
}

}  // namespace tidepool::daemon
