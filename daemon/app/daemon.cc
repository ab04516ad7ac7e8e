#include "daemon/app/daemon.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/app/capacity_plan.h"
#include "daemon/app/pool_metrics.h"
#include "daemon/app/sandbox_compiler.h"
#include "daemon/catalogue/catalogue.h"
#include "daemon/control/control_server.h"
#include "daemon/http/http_door.h"
#include "daemon/http/loopback_address.h"
#include "daemon/http/ops_door.h"
#include "daemon/invoke/data_plane.h"
#include "daemon/invoke/failure.h"
#include "daemon/logs/function_logs.h"
#include "daemon/telemetry/log.h"
#include "daemon/telemetry/metrics.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/linker.h"
#include "engine/support/status_macros.h"
#include "engine/wasi/define.h"

namespace tidepool::daemon {
namespace {

DoorLimits DoorLimitsOf(const Settings& settings) {
  return {.connections_max = settings.http_connections_max,
          .connections_per_address_max = settings.http_connections_per_address_max,
          .header_timeout_ns = settings.http_header_timeout_ns,
          .body_timeout_ns = settings.http_body_timeout_ns,
          .write_timeout_ns = settings.http_write_timeout_ns,
          .idle_timeout_ns = settings.http_idle_timeout_ns,
          .header_bytes_max = settings.http_header_bytes_max,
          .header_fields_max = settings.http_header_fields_max,
          .uri_bytes_max = settings.http_uri_bytes_max};
}

}  // namespace

// In the order of their making; C++ takes them down in the reverse.
struct Daemon::Parts {
  std::unique_ptr<StateDirectory> state;
  Metrics metrics;
  std::unique_ptr<SandboxCompiler> compiler;
  engine::Engine engine;
  engine::Linker linker{engine};
  std::unique_ptr<FunctionLogs> logs;
  SnapshotPublisher publisher;
  std::unique_ptr<DataPlane> plane;
  std::unique_ptr<Catalogue> catalogue;
  std::unique_ptr<HttpDoor> http;
  std::unique_ptr<ControlServer> control;
  std::unique_ptr<OpsDoor> ops;
  bool is_drained = false;
};

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(const Settings& settings) {
  std::unique_ptr<Daemon> daemon(new Daemon(settings));
  TP_RETURN_IF_ERROR(daemon->Make());
  TP_RETURN_IF_ERROR(daemon->MakeDoors());
  daemon->parts_->control->SetServing(true);
  daemon->parts_->ops->SetReady(true);
  return daemon;
}

Daemon::Daemon(const Settings& settings)
    : settings_(settings), parts_(std::make_unique<Parts>()) {}

Daemon::~Daemon() {
  Parts& parts = *parts_;
  parts.ops.reset();
  if (parts.control != nullptr) parts.control->Shutdown(absl::Now());
  parts.control.reset();
  if (parts.plane != nullptr) {
    if (parts.http != nullptr) parts.http->CloseAll();
    parts.plane->Stop();  // Before the listeners go, which its threads use.
  }
  parts.http.reset();
  parts.catalogue.reset();
}

absl::Status Daemon::Make() {
  Parts& parts = *parts_;
  // Doors beyond loopback are refused before anything is touched.
  TP_RETURN_IF_ERROR(ParseLoopbackAddress("listen.http", settings_.listen_http).status());
  TP_RETURN_IF_ERROR(ParseLoopbackAddress("listen.ops", settings_.listen_ops).status());
  TP_ASSIGN_OR_RETURN(parts.state, StateDirectory::Open(settings_.state_dir));
  TP_ASSIGN_OR_RETURN(parts.compiler, SandboxCompiler::Start(settings_, parts.metrics));
  TP_RETURN_IF_ERROR(engine::wasi::DefineWasi(parts.linker));
  TP_ASSIGN_OR_RETURN(parts.logs,
                      FunctionLogs::Open({.folder = parts.state->LogsPath(),
                                          .segments = {.segment_bytes = settings_.log_segment_bytes,
                                                       .retention_ns = settings_.log_retention_ns}}));
  TP_ASSIGN_OR_RETURN(DaemonPlan plan, PlanDaemon(settings_));
  TP_RETURN_IF_ERROR(CheckPlan(plan));
  plan.data_plane.snapshots = &parts.publisher;
  plan.data_plane.logs = parts.logs.get();
  plan.data_plane.metrics = &parts.metrics;
  TP_ASSIGN_OR_RETURN(parts.plane, DataPlane::Create(plan.data_plane));
  TP_ASSIGN_OR_RETURN(
      parts.catalogue,
      Catalogue::Open({.default_limits = settings_.limits,
                       .capacity = plan.capacity,
                       .check_fits = [&parts](const engine::Module& module) {
                         return parts.plane->CheckFits(module);
                       },
                       .on_module_unused = [&parts](uint64_t id) { parts.plane->Evict(id); },
                       .on_function_removed =
                           [&parts](const std::string& tenant, const std::string& function) {
                             parts.logs->Remove(tenant, function);
                           }},
                      {.state = *parts.state,
                       .engine = parts.engine,
                       .linker = parts.linker,
                       .compiler = *parts.compiler,
                       .publisher = parts.publisher}));
  for (const std::string& problem : parts.catalogue->problems()) LogWarning(problem);
  return absl::OkStatus();
}

absl::Status Daemon::MakeDoors() {
  Parts& parts = *parts_;
  TP_ASSIGN_OR_RETURN(
      parts.http,
      HttpDoor::Listen({.address = settings_.listen_http,
                        .limits = DoorLimitsOf(settings_),
                        .sandbox_function_origin = settings_.http_sandbox_function_origin},
                       *parts.plane));
  parts.plane->Start();
  AddPoolMetrics(parts.metrics, *parts.plane, *parts.logs, *parts.http, kVersion);
  ControlOptions control;
  control.listen_admin = settings_.listen_admin;
  control.listen_grpc = settings_.listen_grpc;
  control.request_body_bytes_max = settings_.http_buffered_body_bytes_max;
  control.buffered_bytes_max = settings_.http_buffered_body_bytes_max;
  control.message_limits = {.header_bytes_max = settings_.http_header_bytes_max,
                            .header_fields_max = settings_.http_header_fields_max,
                            .uri_bytes_max = settings_.http_uri_bytes_max};
  control.version = kVersion;
  TP_ASSIGN_OR_RETURN(parts.control, ControlServer::Start(control, {.catalogue = *parts.catalogue,
                                                                    .invoker = *parts.plane,
                                                                    .pool = *parts.plane,
                                                                    .logs = *parts.logs}));
  std::string version_json = "{\"version\":";
  AppendJsonString(version_json, kVersion);
  version_json += "}\n";
  TP_ASSIGN_OR_RETURN(
      parts.ops,
      OpsDoor::Listen({.address = settings_.listen_ops,
                       .limits = DoorLimitsOf(settings_),
                       .metrics = [&parts] { return parts.metrics.Expose(); },
                       .is_healthy = [&parts] { return parts.plane->WorkersAnswered(); },
                       .version_json = version_json}));
  return absl::OkStatus();
}

DaemonAddresses Daemon::addresses() const {
  return {.http = parts_->http->address(),
          .grpc = parts_->control->grpc_address(),
          .ops = parts_->ops->address(),
          .admin = parts_->control->admin_address()};
}

std::string Daemon::StatusLine() const {
  uint64_t running = 0;
  uint64_t waiting = 0;
  for (const WorkerSnapshot& worker : parts_->plane->Snapshot().workers) {
    running += worker.running;
    waiting += worker.waiting;
  }
  return absl::StrCat("serving ", parts_->catalogue->ListTenants().size(), " tenants on ",
                      parts_->http->address(), "; ", running, " running, ", waiting, " waiting");
}

bool Daemon::IsAlive() {
  const bool answered = parts_->plane->WorkersAnswered();
  parts_->plane->PingWorkers();
  return answered;
}

void Daemon::Drain(const ServiceManager& manager) {
  Parts& parts = *parts_;
  manager.Stopping("draining");
  LogInfo("draining: no longer ready");
  parts.ops->SetReady(false);
  parts.control->SetServing(false);
  absl::SleepFor(absl::Nanoseconds(settings_.drain_notice_ns));

  const absl::Time deadline = absl::Now() + absl::Nanoseconds(settings_.drain_deadline_ns);
  parts.http->StopAccepting();
  // Ends when its calls have: those in flight go on meanwhile.
  std::thread control_drain([&] { parts.control->Shutdown(deadline); });
  const bool all_closed = parts.http->AwaitClosed(deadline - absl::Now());
  const bool all_ended = parts.plane->AwaitIdle(deadline - absl::Now());
  if (!all_closed || !all_ended) {
    LogWarning("drain.deadline passed: ending what still runs");
    parts.plane->StopRest();
    // For their answers to leave.
    parts.http->AwaitClosed(absl::Seconds(1));
  }
  control_drain.join();
  LogInfo("drained");
}

}  // namespace tidepool::daemon
