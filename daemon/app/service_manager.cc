#include "daemon/app/service_manager.h"

#include <systemd/sd-daemon.h>

#include "absl/strings/str_cat.h"

namespace tidepool::daemon {
namespace {

void Notify(const std::string& state) { ::sd_notify(/*unset_environment=*/0, state.c_str()); }

}  // namespace

void ServiceManager::Ready(absl::string_view status) const {
  Notify(absl::StrCat("READY=1\nSTATUS=", status));
}
void ServiceManager::Stopping(absl::string_view status) const {
  Notify(absl::StrCat("STOPPING=1\nSTATUS=", status));
}
void ServiceManager::Status(absl::string_view status) const {
  Notify(absl::StrCat("STATUS=", status));
}
void ServiceManager::Ping() const { Notify("WATCHDOG=1"); }

absl::Duration ServiceManager::PingPeriod() const {
  uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(/*unset_environment=*/0, &microseconds) <= 0) {
    return absl::InfiniteDuration();
  }
  return absl::Microseconds(microseconds) / 3;
}

}  // namespace tidepool::daemon
