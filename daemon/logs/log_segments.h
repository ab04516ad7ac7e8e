// The files of one function's log: numbered segments in one folder, the highest being written.
//
//   <folder>/00000007.log  00000008.log  00000009.log      appended to until segment_bytes, then 10
//
// Life     Files outlive the process; a new writer goes on in the last segment.
// Threads  One writer; readers use the free functions at the same time, from any thread.
// Errors   Any write error leaves at most a partial line behind, which the next write ends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/platform/unique_fd.h"

namespace tidepool::daemon {

// A place between two lines.  The default is the oldest line that is still there.
struct LogPosition {
  uint64_t segment = 0;
  uint64_t offset_bytes = 0;
  friend bool operator==(const LogPosition&, const LogPosition&) = default;
};

struct LogChunk {
  std::string text;     // Whole lines.
  LogPosition next;
  bool at_end = false;  // Nothing beyond `next` was there.
};

struct LogSegmentOptions {
  uint64_t segment_bytes = 16 << 20;
  uint64_t retention_ns = uint64_t{7} * 24 * 3600 * 1'000'000'000;
  // However fast it writes, a function keeps at most this many segments.
  uint32_t segments_max = 8;
  // What stands in for write(2) in tests that stall or fill the disk.
  ssize_t (*write)(int fd, const void* bytes, size_t count) = nullptr;
};

class LogSegmentWriter {
 public:
  LogSegmentWriter(std::string folder, const LogSegmentOptions& options);

  absl::Status Append(absl::string_view lines);
  // Removes segments beyond retention and count; never the one being written.
  void RemoveOld(int64_t now_unix_ns);

 private:
  absl::Status OpenLast();
  absl::Status OpenNext();
  absl::Status WriteAll(absl::string_view bytes);

  const std::string folder_;
  const LogSegmentOptions options_;
  UniqueFd fd_;
  uint64_t segment_ = 0;
  uint64_t written_bytes_ = 0;
  bool line_is_torn_ = false;
};

// Numbers of the segments in `folder`, ascending; none when there is no such folder.
std::vector<uint64_t> ListLogSegments(const std::string& folder);
// At most `bytes_max` from `from` on, but always at least one line if there is one.
absl::StatusOr<LogChunk> ReadLogSegments(const std::string& folder, LogPosition from,
                                         uint64_t bytes_max);
// The place that `bytes` of text, rounded down to whole lines, lie before the end.
LogPosition LogPositionBeforeEnd(const std::string& folder, uint64_t bytes);

}  // namespace tidepool::daemon
