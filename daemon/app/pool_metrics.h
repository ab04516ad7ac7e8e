// The gauges and counters of the pools, the budget, the queues and the logs, for /metrics.
#pragma once

#include "absl/strings/string_view.h"
#include "daemon/http/http_door.h"
#include "daemon/invoke/data_plane.h"
#include "daemon/logs/function_logs.h"
#include "daemon/telemetry/metrics.h"

namespace tidepool::daemon {

// All must outlive `metrics`' last scrape.
void AddPoolMetrics(Metrics& metrics, const DataPlane& plane, const FunctionLogs& logs,
                    const HttpDoor& http, absl::string_view version);

}  // namespace tidepool::daemon
