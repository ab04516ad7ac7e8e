// What depends on whether somebody is looking: colours and progress.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tidepool::daemon {

enum class ColorMode : uint8_t { kAuto, kAlways, kNever };

// auto: only on a terminal, and not with NO_COLOR set (https://no-color.org) or TERM=dumb.
bool UseColor(ColorMode mode, int fd);

// `text` with a blank for each control character: what tenants named or guests said cannot move a
// reader's cursor or break a line.
std::string ForTerminal(absl::string_view text);

// "tidectl: error: …" on stderr, the word in red where colours are on.
void PrintError(absl::string_view message, ColorMode mode);

// A line on stderr that fills as bytes go; nothing when stderr is not a terminal, or `quiet`.
class ProgressBar {
 public:
  ProgressBar(std::string label, uint64_t total_bytes, bool quiet);
  ~ProgressBar();  // Clears the line.
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  void Update(uint64_t done_bytes);
  // All is sent; the other side works.
  void Wait(absl::string_view doing);

 private:
  const std::string label_;
  const uint64_t total_bytes_;
  const bool shown_;
  absl::Time next_;
};

}  // namespace tidepool::daemon
