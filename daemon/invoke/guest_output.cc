#include "daemon/invoke/guest_output.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace tidepool::daemon {
namespace {

using engine::wasi::Errno;
using engine::wasi::StreamResult;

// So much of a line is kept back, waiting for its end, before it is written as it is.
constexpr size_t kPendingBytesMax = 16 * 1024;
constexpr uint64_t kFirstCapacityBytes = 4 * 1024;

absl::string_view TextOf(absl::Span<const uint8_t> bytes) {
  return absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

bool BodyCharge::RaiseTo(uint64_t bytes) {
  if (bytes <= charged_bytes_) return true;
  if (!budget_.TryCharge(bytes - charged_bytes_)) return false;
  charged_bytes_ = bytes;
  return true;
}

StreamResult ResponseOutput::Write(absl::Span<const uint8_t> from) {
  const uint64_t room = bytes_max_ - contents_.size();
  if (from.size() > room) is_too_large_ = true;
  const uint64_t bytes = std::min<uint64_t>(from.size(), room);
  if (bytes == 0 && !from.empty()) return {Errno::kNospc, 0};
  const uint64_t needed = contents_.size() + bytes;
  if (needed > contents_.capacity()) {
    // Charged by capacity, which is what is really taken.
    const uint64_t capacity =
        std::min(bytes_max_, std::max({needed, 2 * contents_.capacity(), kFirstCapacityBytes}));
    if (!charge_.RaiseTo(capacity)) {
      is_refused_by_host_ = true;
      return {Errno::kNospc, 0};
    }
    contents_.reserve(capacity);
  }
  contents_.append(TextOf(from).data(), bytes);
  return {Errno::kSuccess, bytes};
}

InvocationLog::InvocationLog(FunctionLogs* logs, const Names& names, uint64_t bytes_max)
    : logs_(logs), names_(names), rest_bytes_(bytes_max) {}

void InvocationLog::Write(LogSource source, absl::string_view bytes) {
  if (logs_ == nullptr) return;
  if (bytes.size() > rest_bytes_) {
    is_truncated_ = true;
    bytes = bytes.substr(0, rest_bytes_);
  }
  rest_bytes_ -= bytes.size();
  pending_[source == LogSource::kOutput ? 0 : 1].append(bytes.data(), bytes.size());
  Flush(source, /*whole_lines_only=*/true);
}

void InvocationLog::Flush(LogSource source, bool whole_lines_only) {
  std::string& pending = pending_[source == LogSource::kOutput ? 0 : 1];
  // Few large appends rather than many small ones; the rest comes with the invocation's end.
  if (pending.empty() || (whole_lines_only && pending.size() < kPendingBytesMax)) return;
  size_t end = pending.size();
  if (whole_lines_only) {
    const size_t newline = pending.rfind('\n');
    if (newline != std::string::npos) end = newline + 1;
  }
  std::string lines;
  AppendLogLines(lines, absl::GetCurrentTimeNanos(), names_.invocation, source,
                 absl::string_view(pending).substr(0, end));
  logs_->Append(names_.tenant, names_.function, std::move(lines));
  pending.erase(0, end);
}

void InvocationLog::Say(absl::string_view text) {
  if (logs_ == nullptr) return;
  Flush(LogSource::kOutput, false);
  Flush(LogSource::kError, false);
  std::string lines;
  AppendLogLines(lines, absl::GetCurrentTimeNanos(), names_.invocation, LogSource::kSystem, text);
  logs_->Append(names_.tenant, names_.function, std::move(lines));
}

void InvocationLog::Finish() {
  if (logs_ == nullptr) return;
  Flush(LogSource::kOutput, false);
  Flush(LogSource::kError, false);
  if (is_truncated_) Say("log truncated: the limit per invocation is reached");
}

StreamResult LogOutput::Write(absl::Span<const uint8_t> from) {
  log_.Write(source_, TextOf(from));
  return {Errno::kSuccess, from.size()};
}

}  // namespace tidepool::daemon
