// LogSource: where the admin service reads functions' logs.
//
// Threads  Called from gRPC's threads, several at once.  Read may block for as long as it follows.
#pragma once

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace tidepool::daemon {

class LogSource {
 public:
  struct Line {
    int64_t time_unix_ns = 0;
    std::string invocation;
    uint64_t revision = 0;
    std::string stream;  // "stdout", "stderr", "trap"
    std::string text;    // Without the newline.
  };
  struct Query {
    std::string tenant;
    std::string function;
    bool follow = false;
    uint32_t tail = 0;  // Only that many of the lines kept; 0: all.
  };

  virtual ~LogSource() = default;
  // Gives each line kept to `sink`, oldest first, then, when following, those to come.  `sink`
  // returns false when the reader has gone; `stopped` is asked at least every 500 ms.
  virtual absl::Status Read(const Query& query, absl::FunctionRef<bool(const Line&)> sink,
                            absl::FunctionRef<bool()> stopped) = 0;
};

}  // namespace tidepool::daemon
