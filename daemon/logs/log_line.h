// One line of a function's log, as text that is safe to show on a terminal.
//
// Shape    2026-11-25T03:46:00.123456Z 01JDHC… err  text of the line\n
//          time (UTC)                  invocation  source
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace tidepool::daemon {

enum class LogSource : uint8_t {
  kOutput,  // "out": what the guest wrote to stdout, where that is not the answer.
  kError,   // "err": what it wrote to stderr.
  kSystem,  // "sys": what we say about it: traps, limits, truncation.
};

// Appends `text` as lines, each with its own head.  Control bytes of the guest become \xNN, so that
// a log can neither move a reader's cursor nor forge a line.
void AppendLogLines(std::string& out, int64_t unix_ns, absl::string_view invocation,
                    LogSource source, absl::string_view text);

}  // namespace tidepool::daemon
