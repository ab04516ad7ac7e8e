// tidepoold: see interfaces.md, "tidepoold", or --help.
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/app/capacity_plan.h"
#include "daemon/app/daemon.h"
#include "daemon/app/service_manager.h"
#include "daemon/settings/settings.h"
#include "daemon/telemetry/log.h"

namespace tidepool::daemon {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr absl::Duration kStatusPeriod = absl::Seconds(10);

struct Command {
  SettingsSources sources;
  std::string ready_file;
  bool check = false;
  bool print_config = false;
};

int Report(const absl::Status& status) {
  ::fprintf(stderr, "tidepoold: %s\n", std::string(status.message()).c_str());
  return absl::IsInvalidArgument(status) || absl::IsUnimplemented(status) ? kUsage : kFailed;
}

// Blocked in every thread that will be: only main's loop takes them.
sigset_t BlockSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);  // A client that left is an error code, not the end.
  ::signal(SIGXFSZ, SIG_IGN);  // So is a file that may not grow.
  return signals;
}

// Until SIGTERM or SIGINT: pings the watchdog while all threads are alive, says how it goes.
void Serve(Daemon& daemon, const ServiceManager& manager, const sigset_t& signals) {
  const absl::Duration period = std::min(manager.PingPeriod(), kStatusPeriod);
  daemon.IsAlive();
  for (;;) {
    const timespec timeout = absl::ToTimespec(period);
    if (::sigtimedwait(&signals, nullptr, &timeout) > 0) return;
    if (daemon.IsAlive()) {
      manager.Ping();
    } else {
      LogError("a worker has not answered for ", absl::FormatDuration(period));
    }
    manager.Status(daemon.StatusLine());
  }
}

int Run(const Settings& settings, const Command& command) {
  const sigset_t signals = BlockSignals();
  StartLog(settings.log_level);
  const ServiceManager manager;
  absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(settings);
  if (!daemon.ok()) {
    StopLog();
    return Report(daemon.status());
  }
  const DaemonAddresses addresses = (*daemon)->addresses();
  if (!command.ready_file.empty()) {
    const absl::Status written = WriteReadyFile(command.ready_file, addresses);
    if (!written.ok()) {
      StopLog();
      return Report(written);
    }
  }
  LogInfo("serving http ", addresses.http, ", grpc ", addresses.grpc, ", ops ", addresses.ops,
          ", admin ", addresses.admin);
  manager.Ready((*daemon)->StatusLine());
  Serve(**daemon, manager, signals);
  (*daemon)->Drain(manager);
  daemon->reset();
  if (!command.ready_file.empty()) ::unlink(command.ready_file.c_str());
  StopLog();
  return 0;
}

int Check(const Settings& settings) {
  const absl::StatusOr<DaemonPlan> plan = PlanDaemon(settings);
  if (!plan.ok()) return Report(plan.status());
  ::fputs(DescribePlan(settings, *plan).c_str(), stdout);
  const absl::Status fits = CheckPlan(*plan);
  if (!fits.ok()) return Report(fits);
  ::puts("\nok: this machine gives what these settings need");
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app("Tidepool: runs other people's WebAssembly functions, over HTTP and gRPC.");
  Command command;
  app.add_option("--config", command.sources.config_file, "Settings (TOML)")->type_name("FILE");
  app.add_option("--state-dir", command.sources.state_dir, "Where everything is kept")
      ->type_name("DIR");
  app.add_option("--set", command.sources.assignments, "Overrides one setting")
      ->type_name("section.key=value")
      ->allow_extra_args(false)
      ->take_all();
  app.add_option("--ready-file", command.ready_file, "Gets the addresses once they serve")
      ->type_name("FILE");
  app.add_flag("--check", command.check, "Says whether this machine fits the settings, and ends");
  app.add_flag("--print-config", command.print_config, "Prints every setting and its origin");
  app.set_version_flag("--version", absl::StrCat("tidepoold ", kVersion));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (absl::StartsWith(*variable, "TIDEPOOL_")) command.sources.environment.push_back(*variable);
  }
  const absl::StatusOr<Settings> settings = LoadSettings(command.sources);
  if (!settings.ok()) return Report(settings.status());
  if (command.print_config) {
    ::fputs(PrintSettings(*settings).c_str(), stdout);
    return 0;
  }
  return command.check ? Check(*settings) : Run(*settings, command);
}

}  // namespace
}  // namespace tidepool::daemon

int main(int argc, char** argv) { return tidepool::daemon::Main(argc, argv); }
