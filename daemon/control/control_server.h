// ControlServer: the gRPC doors.
//
//   unix:/run/tidepool/admin.sock   admin services and Invoker, for uid 0 and the daemon's own uid
//   127.0.0.1:8081                  Invoker and health
//
// Each door is a gRPC server fed by an accept loop of ours: gRPC 1.51 neither shows a peer's
// credentials nor counts connections, so both are decided before it sees a descriptor.
//
// Life     Start listens, not yet ready (health NOT_SERVING) → SetServing(true) → Shutdown: no new
//          connections, GOAWAY, calls in flight finish until the deadline, then they are cancelled.
// Threads  Thread-safe.
// Errors   InvalidArgument: an address beyond loopback, or malformed.  Unavailable: address in use.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "daemon/catalogue/catalogue.h"
#include "daemon/control/invoke_mapping.h"
#include "daemon/invoke/invoker.h"
#include "daemon/invoke/pool_inspector.h"
#include "daemon/logs/function_logs.h"

namespace tidepool::daemon {

struct ControlOptions {
  std::string listen_admin;  // "unix:/run/tidepool/admin.sock"; empty: no such door.
  std::string listen_grpc;   // "127.0.0.1:8081", port 0 takes a free one; empty: no such door.
  // Bodies up to this reach the Invoker and its reasons; see Capacity::request_body_bytes_max.
  uint64_t request_body_bytes_max = 64 * kMiB;
  MessageLimits message_limits;  // Of headers and targets, as over HTTP.
  uint32_t admin_connections_max = 256;
  uint32_t grpc_connections_max = 10'000;
  // Memory that gRPC may hold for messages of one door.
  uint64_t buffered_bytes_max = 512 * kMiB;
  std::string version;
  std::vector<std::pair<std::string, std::string>> version_facts;
};

class ControlServer {
 public:
  // All of these must outlive the server.
  struct Parts {
    Catalogue& catalogue;
    Invoker& invoker;
    PoolInspector& pool;
    FunctionLogs& logs;
  };
  static absl::StatusOr<std::unique_ptr<ControlServer>> Start(const ControlOptions& options,
                                                              Parts parts);
  // Shuts down at once if nobody did.
  ~ControlServer();

  // As --ready-file states them: "unix:/…", "127.0.0.1:34001"; empty for a door that is not there.
  std::string admin_address() const;
  std::string grpc_address() const;

  // What grpc.health.v1 answers.
  void SetServing(bool serving);
  // Returns when all calls have ended.  Invocations in flight must still be able to finish.
  void Shutdown(absl::Time deadline);

 private:
  struct Impl;
  explicit ControlServer(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace tidepool::daemon
