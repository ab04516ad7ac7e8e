// WasiInput, WasiOutput: where a guest's standard streams come from and go to.
//
// Life     Outlive the WasiContext that uses them.
// Threads  One thread at a time: the guest's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "engine/wasi/errno.h"

namespace tidepool::engine::wasi {

struct StreamResult {
  Errno error = Errno::kSuccess;
  size_t bytes = 0;  // Moved; may be fewer than offered.
};

class WasiInput {
 public:
  virtual ~WasiInput() = default;
  // 0 bytes and kSuccess: the end.  `to` is never guest memory, so it may be given to read(2).
  virtual StreamResult Read(absl::Span<uint8_t> to) = 0;
  // A descriptor that poll(2) understands; -1: a read never waits.
  virtual int poll_fd() const { return -1; }
  virtual bool is_terminal() const { return false; }
};

class WasiOutput {
 public:
  virtual ~WasiOutput() = default;
  // `from` is guest memory: to be copied or written before returning.  At most kPieceBytes.
  virtual StreamResult Write(absl::Span<const uint8_t> from) = 0;
  virtual int poll_fd() const { return -1; }
  virtual bool is_terminal() const { return false; }
};

// Bytes that lie in memory, such as a request's body.  `bytes` must outlive it.
class MemoryInput final : public WasiInput {
 public:
  explicit MemoryInput(absl::Span<const uint8_t> bytes = {}) : rest_(bytes) {}
  StreamResult Read(absl::Span<uint8_t> to) override;

 private:
  absl::Span<const uint8_t> rest_;
};

// Keeps what is written, up to a limit.
class MemoryOutput final : public WasiOutput {
 public:
  enum class Excess : uint8_t {
    kFail,  // kNospc to the guest, once nothing more fits.
    kDrop,  // Written as far as the guest can tell; truncated() tells the host.
  };
  MemoryOutput(size_t bytes_max, Excess excess) : bytes_max_(bytes_max), excess_(excess) {}
  StreamResult Write(absl::Span<const uint8_t> from) override;

  absl::string_view contents() const { return contents_; }
  std::string Take() { return std::move(contents_); }
  // Something was written that did not fit.
  bool truncated() const { return truncated_; }

 private:
  const size_t bytes_max_;
  const Excess excess_;
  bool truncated_ = false;
  std::string contents_;
};

// A descriptor of this process, not owned.
class FdInput final : public WasiInput {
 public:
  explicit FdInput(int fd) : fd_(fd) {}
  StreamResult Read(absl::Span<uint8_t> to) override;
  int poll_fd() const override { return fd_; }
  bool is_terminal() const override;

 private:
  const int fd_;
};

class FdOutput final : public WasiOutput {
 public:
  explicit FdOutput(int fd) : fd_(fd) {}
  StreamResult Write(absl::Span<const uint8_t> from) override;
  int poll_fd() const override { return fd_; }
  bool is_terminal() const override;

 private:
  const int fd_;
};

}  // namespace tidepool::engine::wasi
