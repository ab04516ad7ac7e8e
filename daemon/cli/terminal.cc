#include "daemon/cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace tidepool::daemon {
namespace {

constexpr uint64_t kBarCells = 30;
constexpr absl::Duration kBetweenUpdates = absl::Milliseconds(100);
constexpr char kClearLine[] = "\r\x1b[K";

}  // namespace

bool UseColor(ColorMode mode, int fd) {
  if (mode != ColorMode::kAuto) return mode == ColorMode::kAlways;
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* terminal = std::getenv("TERM");
  if (terminal != nullptr && absl::string_view(terminal) == "dumb") return false;
  return ::isatty(fd) == 1;
}

std::string ForTerminal(absl::string_view text) {
  std::string shown(text);
  for (char& c : shown) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
  }
  return shown;
}

void PrintError(absl::string_view message, ColorMode mode) {
  const std::string word =
      UseColor(mode, STDERR_FILENO) ? "\x1b[1;31merror:\x1b[0m" : std::string("error:");
  std::fputs(absl::StrCat("tidectl: ", word, " ", ForTerminal(message), "\n").c_str(), stderr);
}

ProgressBar::ProgressBar(std::string label, uint64_t total_bytes, bool quiet)
    : label_(std::move(label)),
      total_bytes_(std::max<uint64_t>(total_bytes, 1)),
      shown_(!quiet && ::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (shown_) std::fputs(kClearLine, stderr);
}

void ProgressBar::Update(uint64_t done_bytes) {
  if (!shown_ || absl::Now() < next_) return;
  next_ = absl::Now() + kBetweenUpdates;
  const uint64_t full = std::min(done_bytes * kBarCells / total_bytes_, kBarCells);
  std::fputs(absl::StrFormat("%s%s [%s%s] %3d%% of %.1f MiB",
                             kClearLine,
                             label_,
                             std::string(full, '#'),
                             std::string(kBarCells - full, '.'),
                             std::min<uint64_t>(done_bytes * 100 / total_bytes_, 100),
                             static_cast<double>(total_bytes_) / (1024.0 * 1024.0))
                 .c_str(),
             stderr);
}

void ProgressBar::Wait(absl::string_view doing) {
  if (shown_) std::fputs(absl::StrCat(kClearLine, label_, ": ", doing, " …").c_str(), stderr);
}

}  // namespace tidepool::daemon
