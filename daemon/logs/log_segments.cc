#include "daemon/logs/log_segments.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "engine/platform/syscall_error.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

// One read; more only for a longer line.
constexpr uint64_t kReadBytesMin = 4 * 1024;
constexpr uint64_t kReadBytesMax = 1024 * 1024;

std::string PathOf(const std::string& folder, uint64_t segment) {
  return absl::StrFormat("%s/%08d.log", folder, segment);
}

uint64_t FileBytes(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

ssize_t ReadAt(int fd, char* to, size_t count, uint64_t offset) {
  for (;;) {
    const ssize_t n = ::pread(fd, to, count, static_cast<off_t>(offset));
    if (n >= 0 || errno != EINTR) return n;
  }
}

// Reads whole lines from one file; empty when there is none behind `offset`.
absl::StatusOr<std::string> ReadLines(const std::string& path, uint64_t offset,
                                      uint64_t bytes_max) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT) return std::string();
    return SyscallError("open", path);
  }
  std::string text;
  for (uint64_t want = std::clamp(bytes_max, kReadBytesMin, kReadBytesMax);; want *= 2) {
    text.resize(want);
    const ssize_t n = ReadAt(fd.get(), text.data(), want, offset);
    if (n < 0) return SyscallError("pread", path);
    text.resize(static_cast<size_t>(n));
    const size_t end = text.rfind('\n');
    if (end != std::string::npos) {
      text.resize(end + 1);
      return text;
    }
    if (static_cast<uint64_t>(n) < want) return std::string();  // A line still being written.
  }
}

}  // namespace

std::vector<uint64_t> ListLogSegments(const std::string& folder) {
  std::vector<uint64_t> segments;
  DIR* dir = ::opendir(folder.c_str());
  if (dir == nullptr) return segments;
  while (const dirent* entry = ::readdir(dir)) {
    absl::string_view name = entry->d_name;
    uint64_t number = 0;
    if (absl::ConsumeSuffix(&name, ".log") && absl::SimpleAtoi(name, &number)) {
      segments.push_back(number);
    }
  }
  ::closedir(dir);
  std::sort(segments.begin(), segments.end());
  return segments;
}

absl::StatusOr<LogChunk> ReadLogSegments(const std::string& folder, LogPosition from,
                                         uint64_t bytes_max) {
  const std::vector<uint64_t> segments = ListLogSegments(folder);
  LogChunk chunk;
  chunk.next = from;
  for (const uint64_t segment : segments) {
    if (segment < from.segment) continue;
    // Segments between may have been removed: go on with the next that is there.
    if (segment > chunk.next.segment) chunk.next = {segment, 0};
    if (chunk.text.size() >= bytes_max) return chunk;
    TP_ASSIGN_OR_RETURN(std::string text,
                        ReadLines(PathOf(folder, segment), chunk.next.offset_bytes,
                                  bytes_max - chunk.text.size()));
    chunk.next.offset_bytes += text.size();
    chunk.text += text;
    // More lines are here.  (With nothing read, what is left is a line that a crash cut off.)
    if (!text.empty() && segment != segments.back() &&
        chunk.next.offset_bytes < FileBytes(PathOf(folder, segment))) {
      return chunk;
    }
  }
  chunk.at_end = segments.empty() || chunk.next.segment != segments.back() ||
                 chunk.next.offset_bytes >= FileBytes(PathOf(folder, segments.back()));
  return chunk;
}

LogPosition LogPositionBeforeEnd(const std::string& folder, uint64_t bytes) {
  const std::vector<uint64_t> segments = ListLogSegments(folder);
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    const uint64_t file_bytes = FileBytes(PathOf(folder, *segment));
    if (file_bytes < bytes) {
      bytes -= file_bytes;
      continue;
    }
    const uint64_t start = file_bytes - bytes;
    if (start == 0) return {*segment, 0};
    // The first line that begins at `start` or later.
    const UniqueFd fd(::open(PathOf(folder, *segment).c_str(), O_RDONLY | O_CLOEXEC));
    std::string text(std::min<uint64_t>(bytes + 1, 1 << 20), '\0');
    const ssize_t n = fd.valid() ? ReadAt(fd.get(), text.data(), text.size(), start - 1) : 0;
    const size_t newline = n > 0 ? text.find('\n') : std::string::npos;
    return {*segment, newline == std::string::npos ? file_bytes : start + newline};
  }
  return {};
}

LogSegmentWriter::LogSegmentWriter(std::string folder, const LogSegmentOptions& options)
    : folder_(std::move(folder)), options_(options) {}

absl::Status LogSegmentWriter::OpenLast() {
  const std::vector<uint64_t> segments = ListLogSegments(folder_);
  segment_ = segments.empty() ? 1 : segments.back();
  const std::string path = PathOf(folder_, segment_);
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd.valid()) return SyscallError("open", path);
  fd_ = std::move(fd);
  written_bytes_ = FileBytes(path);
  char last = '\n';
  if (written_bytes_ > 0) ReadAt(fd_.get(), &last, 1, written_bytes_ - 1);
  line_is_torn_ = last != '\n';  // A crash cut it off.
  return absl::OkStatus();
}

absl::Status LogSegmentWriter::OpenNext() {
  const std::string path = PathOf(folder_, segment_ + 1);
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd.valid()) return SyscallError("open", path);
  fd_ = std::move(fd);
  ++segment_;
  written_bytes_ = 0;
  line_is_torn_ = false;
  return absl::OkStatus();
}

absl::Status LogSegmentWriter::WriteAll(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = options_.write != nullptr
                          ? options_.write(fd_.get(), bytes.data(), bytes.size())
                          : ::write(fd_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SyscallError("write", PathOf(folder_, segment_));
    written_bytes_ += static_cast<uint64_t>(n);
    line_is_torn_ = bytes[static_cast<size_t>(n) - (n > 0 ? 1 : 0)] != '\n';
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status LogSegmentWriter::Append(absl::string_view lines) {
  if (!fd_.valid()) TP_RETURN_IF_ERROR(OpenLast());
  if (written_bytes_ > 0 && written_bytes_ + lines.size() > options_.segment_bytes) {
    TP_RETURN_IF_ERROR(OpenNext());
  }
  if (line_is_torn_) TP_RETURN_IF_ERROR(WriteAll("\n"));
  return WriteAll(lines);
}

void LogSegmentWriter::RemoveOld(int64_t now_unix_ns) {
  const std::vector<uint64_t> segments = ListLogSegments(folder_);
  for (size_t i = 0; i + 1 < segments.size(); ++i) {
    const std::string path = PathOf(folder_, segments[i]);
    struct stat info;
    if (::stat(path.c_str(), &info) != 0) continue;
    const int64_t written_unix_ns = int64_t{info.st_mtim.tv_sec} * 1'000'000'000;
    const bool expired = now_unix_ns - written_unix_ns > static_cast<int64_t>(options_.retention_ns);
    if (expired || segments.size() - i > options_.segments_max) ::unlink(path.c_str());
  }
}

}  // namespace tidepool::daemon
