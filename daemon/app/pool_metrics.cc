#include "daemon/app/pool_metrics.h"

#include <string>

namespace tidepool::daemon {
namespace {

pool::PoolStats SumPools(const HostSnapshot& host) {
  pool::PoolStats sum;
  for (const WorkerSnapshot& worker : host.workers) {
    const pool::PoolStats& pool = worker.pool;
    sum.slots.total += pool.slots.total;
    sum.slots.free += pool.slots.free;
    sum.slots.warm += pool.slots.warm;
    sum.slots.leased += pool.slots.leased;
    sum.slots.resetting += pool.slots.resetting;
    sum.slots.quarantined += pool.slots.quarantined;
    sum.drift += pool.drift;
    sum.leases_warm += pool.leases_warm;
    sum.leases_cold += pool.leases_cold;
    sum.leases_refused += pool.leases_refused;
    sum.verifications += pool.verifications;
    sum.verifications_failed += pool.verifications_failed;
    sum.quarantined_by_reset += pool.quarantined_by_reset;
    sum.quarantined_by_verify += pool.quarantined_by_verify;
    sum.quarantined_by_preparing += pool.quarantined_by_preparing;
  }
  return sum;
}

void WriteSlots(ExpositionWriter& out, const pool::PoolStats& pool) {
  out.Family("tidepool_slots", "gauge", "Memory slots of all workers, by state.");
  out.Sample({{"state", "free"}}, pool.slots.free);
  out.Sample({{"state", "warm"}}, pool.slots.warm);
  out.Sample({{"state", "leased"}}, pool.slots.leased);
  out.Sample({{"state", "resetting"}}, pool.slots.resetting);
  out.Sample({{"state", "quarantined"}}, pool.slots.quarantined);
  out.Family("tidepool_slots_drift", "gauge", "Slots lost or counted twice: must be 0.");
  out.Sample({}, static_cast<double>(pool.drift));
  out.Family("tidepool_slots_quarantined_total", "counter", "Slots put in quarantine, by cause.");
  out.Sample({{"cause", "reset"}}, pool.quarantined_by_reset);
  out.Sample({{"cause", "verify"}}, pool.quarantined_by_verify);
  out.Sample({{"cause", "preparing"}}, pool.quarantined_by_preparing);
  out.Family("tidepool_reset_verifications_total", "counter", "Resets proved, by result.");
  out.Sample({{"result", "clean"}}, pool.verifications - pool.verifications_failed);
  out.Sample({{"result", "different"}}, pool.verifications_failed);
  out.Family("tidepool_leases_total", "counter", "Leases of storage.");
  out.Sample({{"kind", "warm"}}, pool.leases_warm);
  out.Sample({{"kind", "cold"}}, pool.leases_cold);
  out.Sample({{"kind", "refused"}}, pool.leases_refused);
}

void WriteHost(ExpositionWriter& out, const HostSnapshot& host) {
  uint64_t running = 0;
  for (const WorkerSnapshot& worker : host.workers) running += worker.running;
  out.Family("tidepool_memory_budget_bytes", "gauge", "Memory the host may promise.");
  out.Sample({}, host.memory_budget_bytes);
  out.Family("tidepool_memory_charged_bytes", "gauge", "Memory promised now.");
  out.Sample({}, host.memory_charged_bytes);
  out.Family("tidepool_buffered_body_bytes", "gauge", "Request bodies held.");
  out.Sample({}, host.buffered_body_bytes);
  out.Family("tidepool_queued", "gauge", "Requests waiting for an instance.");
  out.Sample({}, host.queued);
  out.Family("tidepool_running", "gauge", "Invocations that hold an instance.");
  out.Sample({}, running);
}

}  // namespace

void AddPoolMetrics(Metrics& metrics, const DataPlane& plane, const FunctionLogs& logs,
                    const HttpDoor& http, absl::string_view version) {
  metrics.AddSource([&plane, &logs, &http, version = std::string(version)](ExpositionWriter& out) {
    const HostSnapshot host = plane.Snapshot();
    WriteSlots(out, SumPools(host));
    WriteHost(out, host);
    out.Family("tidepool_http_connections", "gauge", "Open connections of the data plane.");
    out.Sample({}, http.connections());
    const FunctionLogsStats log_stats = logs.stats();
    out.Family("tidepool_log_dropped_bytes_total", "counter", "Guests' log lines lost.");
    out.Sample({}, log_stats.dropped_bytes);
    out.Family("tidepool_build_info", "gauge", "What this is.");
    out.Sample({{"version", version}}, uint64_t{1});
  });
}

}  // namespace tidepool::daemon
