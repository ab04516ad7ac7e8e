// TestServer: a data plane with its HTTP door on a free port, and functions compiled here.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/http/http_door.h"
#include "daemon/invoke/data_plane.h"
#include "daemon/logs/function_logs.h"
#include "daemon/telemetry/metrics.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/linker.h"
#include "tests/daemon/http/guest_modules.h"
#include "tests/daemon/invoke/snapshot_builder.h"

namespace tidepool::daemon {

class TestServer {
 public:
  struct Options {
    uint32_t workers = 1;
    uint64_t slots = 32;
    uint64_t memory_bytes = 512 << 20;
    uint64_t buffered_body_bytes_max = 64 << 20;
    uint64_t queued_max = 1000;
    DoorLimits door;
  };
  explicit TestServer(const Options& options);
  TestServer() : TestServer(Options()) {}
  ~TestServer();

  // Compiles and deploys; the next request sees it.
  void Deploy(const std::string& tenant, const std::string& function, const WasmBytes& module,
              GuestAbi abi = GuestAbi::kHandler,
              const std::vector<std::string>& tenant_limits = {},
              ResponseMode response = ResponseMode::kAuto);
  void Route(const std::string& host, const std::string& prefix, const std::string& tenant,
             const std::string& function);

  uint16_t port() const { return port_; }
  DataPlane& plane() { return *plane_; }
  HttpDoor& door() { return *door_; }
  Metrics& metrics() { return metrics_; }
  // All of a function's log.
  std::string Log(const std::string& tenant, const std::string& function);
  // Waits for the outcome.
  InvokeOutcome Invoke(InvokeRequest request);

 private:
  engine::Engine engine_;
  engine::Linker linker_{engine_};
  Metrics metrics_;
  SnapshotPublisher publisher_;
  SnapshotBuilder snapshots_;
  std::unique_ptr<FunctionLogs> logs_;
  std::unique_ptr<DataPlane> plane_;
  std::unique_ptr<HttpDoor> door_;
  uint16_t port_ = 0;
};

}  // namespace tidepool::daemon
