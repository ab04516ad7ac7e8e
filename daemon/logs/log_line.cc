#include "daemon/logs/log_line.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace tidepool::daemon {
namespace {

absl::string_view NameOf(LogSource source) {
  switch (source) {
    case LogSource::kOutput: return "out";
    case LogSource::kError: return "err";
    case LogSource::kSystem: return "sys";
  }
  return "";
}

void AppendEscaped(std::string& out, absl::string_view line) {
  for (const char c : line) {
    const uint8_t byte = static_cast<uint8_t>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7F) {
      absl::StrAppendFormat(&out, "\\x%02x", byte);
    } else {
      out.push_back(c);
    }
  }
}

}  // namespace

void AppendLogLines(std::string& out, int64_t unix_ns, absl::string_view invocation,
                    LogSource source, absl::string_view text) {
  const std::string head = absl::StrCat(
      absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::FromUnixNanos(unix_ns), absl::UTCTimeZone()),
      " ", invocation, " ", NameOf(source), " ");
  while (!text.empty()) {
    const size_t end = text.find('\n');
    absl::string_view line = text.substr(0, end);
    text.remove_prefix(end == absl::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    out.append(head);
    AppendEscaped(out, line);
    out.push_back('\n');
  }
}

}  // namespace tidepool::daemon
