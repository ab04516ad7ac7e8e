// ServiceManager tells systemd how we are, if it started us; otherwise every call does nothing.
//
// Threads  Thread-safe.
// Source   sd_notify(3), sd_watchdog_enabled(3).
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tidepool::daemon {

class ServiceManager {
 public:
  void Ready(absl::string_view status) const;
  void Stopping(absl::string_view status) const;
  void Status(absl::string_view status) const;
  // "I am alive": to be sent only when every thread was seen alive.
  void Ping() const;
  // How often a ping is due; infinite when nobody watches.
  absl::Duration PingPeriod() const;
};

}  // namespace tidepool::daemon
