#include "daemon/logs/function_logs.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "daemon/logs/log_line.h"
#include "engine/platform/syscall_error.h"
#include "engine/support/check.h"

namespace tidepool::daemon {
namespace {

// Descriptors held open for functions that wrote lately.
constexpr size_t kWritersMax = 256;
constexpr absl::Duration kCleaningPeriod = absl::Hours(1);
constexpr absl::Duration kClosingTimeMax = absl::Seconds(1);

std::string KeyOf(absl::string_view tenant, absl::string_view function) {
  return absl::StrCat(tenant, "/", function);
}

// Names come from the catalogue, which allows neither slashes nor dots in front.
bool IsPlainName(absl::string_view name) {
  return !name.empty() && name.front() != '.' && name.find('/') == absl::string_view::npos &&
         name.find('\0') == absl::string_view::npos;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FunctionLogs>> FunctionLogs::Open(const Options& options) {
  if (::mkdir(options.folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return SyscallError("mkdir", options.folder);
  }
  std::unique_ptr<FunctionLogs> logs(new FunctionLogs(options));
  logs->thread_ = std::thread([logs = logs.get()] { logs->Run(); });
  return logs;
}

FunctionLogs::FunctionLogs(const Options& options)
    : options_(options), next_cleaning_(absl::Now()) {}

FunctionLogs::~FunctionLogs() {
  {
    absl::MutexLock lock(&mutex_);
    // A disk that is slow must not hold up the shutdown: what it has not taken by then is given up.
    const auto is_empty = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return version_ == appended_;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&is_empty), kClosingTimeMax);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

std::string FunctionLogs::FolderOf(absl::string_view key) const {
  return absl::StrCat(options_.folder, "/", key);
}

void FunctionLogs::Append(absl::string_view tenant, absl::string_view function,
                          std::string lines) {
  if (lines.empty() || !IsPlainName(tenant) || !IsPlainName(function)) return;
  std::string key = KeyOf(tenant, function);
  const int64_t now = absl::GetCurrentTimeNanos();
  absl::MutexLock lock(&mutex_);
  if (ring_used_bytes_ + lines.size() > options_.ring_bytes) {
    ++stats_.dropped_appends;
    stats_.dropped_bytes += lines.size();
    ++lost_[key];
    return;
  }
  uint64_t lost = 0;
  if (!lost_.empty()) {
    if (const auto it = lost_.find(key); it != lost_.end()) {
      lost = it->second;
      lost_.erase(it);
    }
  }
  ring_used_bytes_ += lines.size();
  ++appended_;
  ring_.push_back({std::move(key), std::move(lines), now, lost});
}

void FunctionLogs::Remove(absl::string_view tenant, absl::string_view function) {
  if (!IsPlainName(tenant) || !IsPlainName(function)) return;
  absl::MutexLock lock(&mutex_);
  ++appended_;
  ring_.push_back({KeyOf(tenant, function), "", 0, 0});
}

void FunctionLogs::Run() {
  for (;;) {
    std::deque<Entry> batch;
    {
      absl::MutexLock lock(&mutex_);
      const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return stopping_ || !ring_.empty();
      };
      mutex_.AwaitWithTimeout(absl::Condition(&has_work), kCleaningPeriod);
      if (stopping_) return;
      batch.swap(ring_);
    }
    for (const Entry& entry : batch) {
      Write(entry);
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
      ring_used_bytes_ -= entry.lines.size();
      ++version_;
    }
    const absl::Time now = absl::Now();
    if (now >= next_cleaning_) {
      next_cleaning_ = now + kCleaningPeriod;
      RemoveOldEverywhere(absl::ToUnixNanos(now));
    }
  }
}

LogSegmentWriter* FunctionLogs::WriterOf(const std::string& key) {
  std::unique_ptr<LogSegmentWriter>& writer = writers_[key];
  if (writer == nullptr) {
    if (writers_.size() > kWritersMax) {
      writers_.clear();  // They open again where they were; a bound matters more than which.
      return WriterOf(key);
    }
    std::error_code error;
    std::filesystem::create_directories(FolderOf(key), error);
    writer = std::make_unique<LogSegmentWriter>(FolderOf(key), options_.segments);
    writer->RemoveOld(absl::GetCurrentTimeNanos());
  }
  return writer.get();
}

void FunctionLogs::Write(const Entry& entry) {
  if (entry.lines.empty()) return RemoveFolder(entry.key);
  uint64_t lost = entry.lost_before;
  if (const auto it = failed_appends_.find(entry.key); it != failed_appends_.end()) {
    lost += it->second;
  }
  std::string marked;
  if (lost > 0) {
    AppendLogLines(marked, entry.unix_ns, "-", LogSource::kSystem,
                   absl::StrCat("log incomplete: ", lost, " writes were lost before this line"));
  }
  const std::string& lines = lost > 0 ? marked.append(entry.lines) : entry.lines;
  const absl::Status written = WriterOf(entry.key)->Append(lines);
  absl::MutexLock lock(&mutex_);
  if (written.ok()) {
    failed_appends_.erase(entry.key);
    stats_.written_bytes += lines.size();
  } else {
    failed_appends_[entry.key] = lost + 1;
    ++stats_.dropped_appends;
    stats_.dropped_bytes += entry.lines.size();
  }
}

void FunctionLogs::RemoveFolder(const std::string& key) {
  writers_.erase(key);
  failed_appends_.erase(key);
  std::error_code error;
  std::filesystem::remove_all(FolderOf(key), error);
}

void FunctionLogs::RemoveOldEverywhere(int64_t now_unix_ns) {
  std::error_code error;
  for (const auto& tenant : std::filesystem::directory_iterator(options_.folder, error)) {
    for (const auto& function : std::filesystem::directory_iterator(tenant.path(), error)) {
      LogSegmentWriter(function.path().string(), options_.segments).RemoveOld(now_unix_ns);
    }
  }
}

absl::StatusOr<LogChunk> FunctionLogs::Read(absl::string_view tenant, absl::string_view function,
                                            LogPosition from, uint64_t bytes_max) const {
  if (!IsPlainName(tenant) || !IsPlainName(function)) {
    return absl::InvalidArgumentError("not a name of a tenant and function");
  }
  return ReadLogSegments(FolderOf(KeyOf(tenant, function)), from, bytes_max);
}

LogPosition FunctionLogs::Tail(absl::string_view tenant, absl::string_view function,
                               uint64_t bytes) const {
  if (!IsPlainName(tenant) || !IsPlainName(function)) return {};
  return LogPositionBeforeEnd(FolderOf(KeyOf(tenant, function)), bytes);
}

uint64_t FunctionLogs::version() const {
  absl::MutexLock lock(&mutex_);
  return version_;
}

bool FunctionLogs::WaitForChange(uint64_t version, absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  const auto changed = [this, version]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return version_ != version;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&changed), timeout);
}

void FunctionLogs::Flush() {
  absl::MutexLock lock(&mutex_);
  const uint64_t goal = appended_;
  const auto reached = [this, goal]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return version_ >= goal;
  };
  mutex_.Await(absl::Condition(&reached));
}

FunctionLogsStats FunctionLogs::stats() const {
  absl::MutexLock lock(&mutex_);
  return stats_;
}

}  // namespace tidepool::daemon
