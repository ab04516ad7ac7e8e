// Session: one run of tidectl: what was asked for in general, and the connection to the daemon.
//
// Life     Made from the global options; connects when a command first asks for a stub.
// Threads  One thread.
// Errors   Commands return an ExitCode; what they have to say has then been said, results on stdout
//          and everything else on stderr.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "daemon/cli/exit_code.h"
#include "daemon/cli/report.h"
#include "daemon/cli/terminal.h"

namespace tidepool::daemon {

inline constexpr char kDefaultServer[] = "unix:/run/tidepool/admin.sock";

struct GlobalOptions {
  std::string server = kDefaultServer;
  std::string tenant;  // -t; empty: none.
  OutputFormat format = OutputFormat::kTable;
  ColorMode color = ColorMode::kAuto;
  bool quiet = false;
};

class Session {
 public:
  explicit Session(const GlobalOptions& options) : options_(options) {}

  const GlobalOptions& options() const { return options_; }

  // Unavailable, PermissionDenied: nobody there, or not for us, in words that say what to do.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect();

  // "tenants/t" from -t; InvalidArgument when it was not given.
  absl::StatusOr<std::string> TenantName() const;
  // "tenants/t", or "tenants/-" without -t.
  std::string TenantNameOrAll() const;

  ExitCode Succeed(const Report& report) const;
  // A line for people that is no result: only on stderr, and not with -q.
  void Remark(const std::string& text) const;
  ExitCode Fail(const absl::Status& status) const;
  ExitCode Fail(const grpc::Status& status) const;
  ExitCode UsageError(const std::string& message) const;

 private:
  const GlobalOptions& options_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace tidepool::daemon
