// The daemon's own log: one line per event on stderr, for journald or a terminal.
//
// Never holds what guests write: that goes to the function logs on disk.
// Threads  Thread-safe.  A bounded queue and a thread of its own: a stalled reader of stderr loses
//          the oldest lines and never blocks a caller.
#pragma once

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace tidepool::daemon {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Before the first call of Log; `level` is "debug", "info", "warning" or "error".
void StartLog(absl::string_view level);
// Writes out what is queued; for the end of main.
void StopLog();

void Log(LogLevel level, absl::string_view text);

template <typename... Parts>
void LogInfo(const Parts&... parts) {
  Log(LogLevel::kInfo, absl::StrCat(parts...));
}
template <typename... Parts>
void LogWarning(const Parts&... parts) {
  Log(LogLevel::kWarning, absl::StrCat(parts...));
}
template <typename... Parts>
void LogError(const Parts&... parts) {
  Log(LogLevel::kError, absl::StrCat(parts...));
}

}  // namespace tidepool::daemon
