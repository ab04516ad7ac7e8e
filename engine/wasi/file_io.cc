// fd_read, fd_write, fd_pread, fd_pwrite: bytes between guest memory and files or streams.
//
// System calls never write to guest memory themselves: the pool may have protected a page to learn
// of the first write to it, and what would be a fault that the signal handler resolves is a plain
// EFAULT in the kernel.  So what is read goes through the context's bounce buffer.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/functional/function_ref.h"

#include "engine/wasi/limits.h"
#include "engine/wasi/lookup_internal.h"

namespace tidepool::engine::wasi {
namespace {

// Moves one piece; fewer bytes than offered end the operation.
using Mover = absl::FunctionRef<StreamResult(absl::Span<uint8_t>)>;

constexpr uint64_t kVectorBytes = sizeof(IoVector);

// All vectors lie in memory, and the sum of what they name fits the result.
Errno CheckVectors(Call& call, Pointer vectors, uint32_t count) {
  if (count > limits::kIoVectorsMax) return Errno::kInval;
  uint64_t total = 0;
  for (uint32_t i = 0; i < count; ++i) {
    IoVector vector;
    if (!call.memory.Read(vectors + i * kVectorBytes, &vector) ||
        !call.memory.Bytes(vector.buffer, vector.bytes).has_value()) {
      return Errno::kFault;
    }
    total += vector.bytes;
  }
  return total > UINT32_MAX ? Errno::kInval : Errno::kSuccess;
}

// Calls `move` over all vectors, in pieces of at most `piece_bytes`.  An error after the first
// piece is left for the next call to find, as in POSIX.
Errno MovePieces(
    Call& call, Pointer vectors, uint32_t count, size_t piece_bytes, Pointer result, Mover move) {
  const Errno error = CheckVectors(call, vectors, count);
  if (error != Errno::kSuccess) return error;
  uint32_t total = 0;
  bool more = true;
  for (uint32_t i = 0; i < count && more; ++i) {
    IoVector vector;
    // Checked again: what was read may have overwritten the list.
    if (!call.memory.Read(vectors + i * kVectorBytes, &vector)) return Errno::kFault;
    auto rest = call.memory.Bytes(vector.buffer, vector.bytes);
    if (!rest.has_value()) return Errno::kFault;
    while (!rest->empty() && more) {
      if (total != 0 && call.Interrupted()) return Errno::kIntr;
      const absl::Span<uint8_t> piece =
          rest->first(std::min<size_t>({rest->size(), piece_bytes, UINT32_MAX - total}));
      const StreamResult moved = move(piece);
      if (moved.error != Errno::kSuccess && total == 0) return moved.error;
      total += static_cast<uint32_t>(moved.bytes);
      more = moved.error == Errno::kSuccess && moved.bytes == piece.size() && !piece.empty();
      rest->remove_prefix(moved.bytes);
    }
  }
  return call.memory.Write(result, total) ? Errno::kSuccess : Errno::kFault;
}

StreamResult FromSyscall(ssize_t count) {
  if (count < 0) return {.error = LastErrno()};
  return {.bytes = static_cast<size_t>(count)};
}

template <typename Syscall>
StreamResult Retry(Syscall syscall) {
  ssize_t count;
  do {
    count = syscall();
  } while (count < 0 && errno == EINTR);
  return FromSyscall(count);
}

// What a stream without a descriptor to poll has is there at once.
bool IsReady(int poll_fd, int16_t event) {
  if (poll_fd < 0) return true;
  pollfd poll{.fd = poll_fd, .events = event, .revents = 0};
  return ::poll(&poll, 1, 0) != 0;
}

Errno ReadStream(
    Call& call, const Descriptor& descriptor, Pointer vectors, uint32_t count, Pointer result) {
  const absl::Span<uint8_t> bounce = call.context.bounce_buffer();
  WasiInput* input = descriptor.input;
  return MovePieces(call, vectors, count, bounce.size(), result, [&](absl::Span<uint8_t> to) {
    if (input == nullptr) return StreamResult{};
    if ((descriptor.flags & kFdNonblock) != 0 && !IsReady(input->poll_fd(), POLLIN)) {
      return StreamResult{.error = Errno::kAgain};
    }
    const StreamResult got = input->Read(bounce.first(to.size()));
    std::memcpy(to.data(), bounce.data(), got.bytes);
    return got;
  });
}

Errno WriteStream(
    Call& call, const Descriptor& descriptor, Pointer vectors, uint32_t count, Pointer result) {
  WasiOutput* output = descriptor.output;
  return MovePieces(
      call, vectors, count, limits::kPieceBytes, result, [&](absl::Span<uint8_t> from) {
        if (output == nullptr) return StreamResult{.bytes = from.size()};
        if ((descriptor.flags & kFdNonblock) != 0 && !IsReady(output->poll_fd(), POLLOUT)) {
          return StreamResult{.error = Errno::kAgain};
        }
        return output->Write(from);
      });
}

// pwrite(2) on a file opened with O_APPEND appends, whatever the offset (its BUGS section); WASI
// wants the offset.  The open file is this context's alone, so the flag can be taken away
// meanwhile.
class WithoutAppend {
 public:
  explicit WithoutAppend(const Descriptor& descriptor)
      : fd_((descriptor.flags & kFdAppend) != 0 ? descriptor.fd.get() : -1) {
    if (fd_ >= 0) Set(false);
  }
  WithoutAppend(const WithoutAppend&) = delete;
  WithoutAppend& operator=(const WithoutAppend&) = delete;
  ~WithoutAppend() {
    if (fd_ >= 0) Set(true);
  }

 private:
  void Set(bool append) {
    const int flags = ::fcntl(fd_, F_GETFL);
    ::fcntl(fd_, F_SETFL, append ? flags | O_APPEND : flags & ~O_APPEND);
  }
  const int fd_;
};

}  // namespace

Errno FdRead(Call& call, uint32_t fd, Pointer vectors, uint32_t count, Pointer result) {
  const Descriptor* stream = call.context.descriptors().Find(fd);
  if (stream != nullptr && stream->kind == Descriptor::Kind::kOutput) return Errno::kBadf;
  if (stream != nullptr && stream->kind == Descriptor::Kind::kInput) {
    if ((stream->rights_base & rights::kFdRead) == 0) return Errno::kNotcapable;
    return ReadStream(call, *stream, vectors, count, result);
  }
  Descriptor* file = nullptr;
  const Errno error = FindFile(call, fd, rights::kFdRead, &file);
  if (error != Errno::kSuccess) return error;
  const absl::Span<uint8_t> bounce = call.context.bounce_buffer();
  return MovePieces(call, vectors, count, bounce.size(), result, [&](absl::Span<uint8_t> to) {
    const StreamResult got =
        Retry([&] { return ::read(file->fd.get(), bounce.data(), to.size()); });
    std::memcpy(to.data(), bounce.data(), got.bytes);
    return got;
  });
}

Errno FdPread(
    Call& call, uint32_t fd, Pointer vectors, uint32_t count, uint64_t offset, Pointer result) {
  Descriptor* file = nullptr;
  const Errno error = FindFile(call, fd, rights::kFdRead | rights::kFdSeek, &file);
  if (error != Errno::kSuccess) return error;
  const absl::Span<uint8_t> bounce = call.context.bounce_buffer();
  return MovePieces(call, vectors, count, bounce.size(), result, [&](absl::Span<uint8_t> to) {
    const StreamResult got = Retry([&] {
      return ::pread(file->fd.get(), bounce.data(), to.size(), static_cast<off_t>(offset));
    });
    std::memcpy(to.data(), bounce.data(), got.bytes);
    offset += got.bytes;
    return got;
  });
}

Errno FdWrite(Call& call, uint32_t fd, Pointer vectors, uint32_t count, Pointer result) {
  const Descriptor* stream = call.context.descriptors().Find(fd);
  if (stream != nullptr && stream->kind == Descriptor::Kind::kInput) return Errno::kBadf;
  if (stream != nullptr && stream->kind == Descriptor::Kind::kOutput) {
    if ((stream->rights_base & rights::kFdWrite) == 0) return Errno::kNotcapable;
    return WriteStream(call, *stream, vectors, count, result);
  }
  Descriptor* file = nullptr;
  const Errno error = FindFile(call, fd, rights::kFdWrite, &file);
  if (error != Errno::kSuccess) return error;
  if (file->read_only) return Errno::kRofs;
  return MovePieces(
      call, vectors, count, limits::kPieceBytes, result, [&](absl::Span<uint8_t> from) {
        return Retry([&] { return ::write(file->fd.get(), from.data(), from.size()); });
      });
}

Errno FdPwrite(
    Call& call, uint32_t fd, Pointer vectors, uint32_t count, uint64_t offset, Pointer result) {
  Descriptor* file = nullptr;
  const Errno error = FindFile(call, fd, rights::kFdWrite | rights::kFdSeek, &file);
  if (error != Errno::kSuccess) return error;
  if (file->read_only) return Errno::kRofs;
  const WithoutAppend without_append(*file);
  return MovePieces(
      call, vectors, count, limits::kPieceBytes, result, [&](absl::Span<uint8_t> from) {
        const StreamResult put = Retry([&] {
          return ::pwrite(file->fd.get(), from.data(), from.size(), static_cast<off_t>(offset));
        });
        offset += put.bytes;
        return put;
      });
}

}  // namespace tidepool::engine::wasi
