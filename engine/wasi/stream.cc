#include "engine/wasi/stream.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace tidepool::engine::wasi {

StreamResult MemoryInput::Read(absl::Span<uint8_t> to) {
  const size_t count = std::min(to.size(), rest_.size());
  if (count != 0) std::memcpy(to.data(), rest_.data(), count);
  rest_.remove_prefix(count);
  return {.bytes = count};
}

StreamResult MemoryOutput::Write(absl::Span<const uint8_t> from) {
  const size_t count = std::min(from.size(), bytes_max_ - contents_.size());
  contents_.append(reinterpret_cast<const char*>(from.data()), count);
  if (count == from.size()) return {.bytes = count};
  truncated_ = true;
  if (excess_ == Excess::kDrop) return {.bytes = from.size()};
  if (count == 0) return {.error = Errno::kNospc};
  return {.bytes = count};
}

StreamResult FdInput::Read(absl::Span<uint8_t> to) {
  ssize_t count;
  do {
    count = ::read(fd_, to.data(), to.size());
  } while (count < 0 && errno == EINTR);
  if (count < 0) return {.error = LastErrno()};
  return {.bytes = static_cast<size_t>(count)};
}

bool FdInput::is_terminal() const {
  return ::isatty(fd_) == 1;
}

StreamResult FdOutput::Write(absl::Span<const uint8_t> from) {
  ssize_t count;
  do {
    count = ::write(fd_, from.data(), from.size());
  } while (count < 0 && errno == EINTR);
  if (count < 0) return {.error = LastErrno()};
  return {.bytes = static_cast<size_t>(count)};
}

bool FdOutput::is_terminal() const {
  return ::isatty(fd_) == 1;
}

}  // namespace tidepool::engine::wasi
