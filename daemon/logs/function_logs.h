// FunctionLogs: what functions wrote, and what we say about them, kept on disk per function.
//
//   workers ─Append→ ring (bounded) ─writer thread→ <folder>/<tenant>/<function>/NNNNNNNN.log ─Read→
//
// Life     Open starts the writer; the destructor writes what the ring holds, for at most a second,
//          and ends it.
// Threads  Thread-safe.  Append never waits for the disk: when the ring is full, lines are dropped,
//          counted, and the log is marked where they are missing.
// Errors   A full or broken disk costs lines (counted), nothing else.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daemon/logs/log_segments.h"

namespace tidepool::daemon {

struct FunctionLogsStats {
  uint64_t written_bytes = 0;
  uint64_t dropped_appends = 0;  // Ring full, or the disk refused them.
  uint64_t dropped_bytes = 0;
};

class FunctionLogs {
 public:
  struct Options {
    std::string folder;                   // STATE/logs; made when missing.
    uint64_t ring_bytes = 8 << 20;
    LogSegmentOptions segments;
  };
  static absl::StatusOr<std::unique_ptr<FunctionLogs>> Open(const Options& options);
  ~FunctionLogs();

  // `lines`: whole lines made by AppendLogLines.
  void Append(absl::string_view tenant, absl::string_view function, std::string lines)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // At most `bytes_max` bytes of whole lines from `from` on.
  absl::StatusOr<LogChunk> Read(absl::string_view tenant, absl::string_view function,
                                LogPosition from, uint64_t bytes_max) const;
  // Where the last `bytes` of the log begin.
  LogPosition Tail(absl::string_view tenant, absl::string_view function, uint64_t bytes) const;
  // For following: grows with every write.  Take it, Read to the end, then wait for it to change.
  uint64_t version() const ABSL_LOCKS_EXCLUDED(mutex_);
  // False when `timeout` passed first.
  bool WaitForChange(uint64_t version, absl::Duration timeout) const ABSL_LOCKS_EXCLUDED(mutex_);

  // Removes a deleted function's logs.
  void Remove(absl::string_view tenant, absl::string_view function) ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits until all that was appended before is written or dropped.
  void Flush() ABSL_LOCKS_EXCLUDED(mutex_);
  FunctionLogsStats stats() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    std::string key;    // "tenant/function"
    std::string lines;  // Empty: remove the function's folder.
    int64_t unix_ns = 0;
    uint64_t lost_before = 0;  // Appends of this function dropped since the last that got in.
  };
  explicit FunctionLogs(const Options& options);
  std::string FolderOf(absl::string_view key) const;
  void Run();
  void Write(const Entry& entry);
  void RemoveFolder(const std::string& key);
  LogSegmentWriter* WriterOf(const std::string& key);
  void RemoveOldEverywhere(int64_t now_unix_ns);

  // Constant after construction.
  const Options options_;

  // The writer thread's own.
  absl::flat_hash_map<std::string, std::unique_ptr<LogSegmentWriter>> writers_;
  absl::flat_hash_map<std::string, uint64_t> failed_appends_;
  absl::Time next_cleaning_;

  mutable absl::Mutex mutex_;
  std::deque<Entry> ring_ ABSL_GUARDED_BY(mutex_);
  uint64_t ring_used_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, uint64_t> lost_ ABSL_GUARDED_BY(mutex_);
  FunctionLogsStats stats_ ABSL_GUARDED_BY(mutex_);
  uint64_t appended_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t version_ ABSL_GUARDED_BY(mutex_) = 0;  // Entries that left the ring.
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tidepool::daemon
