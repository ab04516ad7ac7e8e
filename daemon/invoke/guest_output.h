// Where a guest's stdout and stderr go: into the answer, or into the function's log.
//
// Threads  One thread at a time: the guest's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "daemon/invoke/host_budget.h"
#include "daemon/logs/function_logs.h"
#include "daemon/logs/log_line.h"
#include "engine/wasi/stream.h"

namespace tidepool::daemon {

// What the host's budget is charged for a body that was made here; given back with the object.
class BodyCharge {
 public:
  explicit BodyCharge(HostBudget& budget) : budget_(budget) {}
  ~BodyCharge() { budget_.Release(charged_bytes_); }
  BodyCharge(const BodyCharge&) = delete;
  BodyCharge& operator=(const BodyCharge&) = delete;
  // False: the budget has no room, and nothing changed.
  bool RaiseTo(uint64_t bytes);

 private:
  HostBudget& budget_;
  uint64_t charged_bytes_ = 0;
};

// A command's stdout, up to the limit on responses (and its header).
class ResponseOutput final : public engine::wasi::WasiOutput {
 public:
  ResponseOutput(uint64_t bytes_max, BodyCharge& charge) : bytes_max_(bytes_max), charge_(charge) {}
  engine::wasi::StreamResult Write(absl::Span<const uint8_t> from) override;

  absl::string_view contents() const { return contents_; }
  bool is_too_large() const { return is_too_large_; }
  bool is_refused_by_host() const { return is_refused_by_host_; }

 private:
  const uint64_t bytes_max_;
  BodyCharge& charge_;
  std::string contents_;
  bool is_too_large_ = false;
  bool is_refused_by_host_ = false;
};

// The lines of one invocation on their way to the function's log.  Beyond the limit they are
// dropped, and the end says so; the guest never notices.
class InvocationLog {
 public:
  struct Names {
    absl::string_view tenant;
    absl::string_view function;
    absl::string_view invocation;
  };
  // `logs` may be null: nothing is kept.  The names must outlive this.
  InvocationLog(FunctionLogs* logs, const Names& names, uint64_t bytes_max);

  void Write(LogSource source, absl::string_view bytes);
  // A line of ours: not bounded by the limit.
  void Say(absl::string_view text);
  // Writes what is left of the last line, and the mark if lines were dropped.
  void Finish();

 private:
  void Flush(LogSource source, bool whole_lines_only);
  FunctionLogs* const logs_;
  const Names names_;
  uint64_t rest_bytes_;
  bool is_truncated_ = false;
  std::string pending_[2];  // Of stdout and stderr.
};

class LogOutput final : public engine::wasi::WasiOutput {
 public:
  LogOutput(InvocationLog& log, LogSource source) : log_(log), source_(source) {}
  engine::wasi::StreamResult Write(absl::Span<const uint8_t> from) override;

 private:
  InvocationLog& log_;
  const LogSource source_;
};

}  // namespace tidepool::daemon
