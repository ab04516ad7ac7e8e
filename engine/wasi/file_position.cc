// fd_seek, fd_tell, fd_sync, fd_datasync, fd_advise, fd_allocate.
#include <fcntl.h>
#include <unistd.h>

#include <iterator>

#include "engine/wasi/lookup_internal.h"

namespace tidepool::engine::wasi {
namespace {

Errno Seek(Call& call, const Descriptor& file, int64_t offset, int whence, Pointer result) {
  // Before the seek: a position that cannot be told is not taken.
  if (!call.memory.Bytes(result, sizeof(uint64_t)).has_value()) return Errno::kFault;
  const off_t position = ::lseek(file.fd.get(), offset, whence);
  if (position < 0) return LastErrno();
  return call.memory.Write(result, static_cast<uint64_t>(position)) ? Errno::kSuccess
                                                                    : Errno::kFault;
}

Errno Sync(Call& call, uint32_t fd, Rights needed, int (*sync)(int)) {
  Descriptor* descriptor = nullptr;
  const Errno error = FindDescriptor(call, fd, needed, &descriptor);
  if (error != Errno::kSuccess) return error;
  // A stream has nowhere more durable to go.
  if (!descriptor->fd.valid()) return Errno::kSuccess;
  return sync(descriptor->fd.get()) == 0 ? Errno::kSuccess : LastErrno();
}

}  // namespace

Errno FdSeek(Call& call, uint32_t fd, uint64_t offset, uint32_t whence, Pointer result) {
  static constexpr int kWhence[] = {SEEK_SET, SEEK_CUR, SEEK_END};
  if (whence >= std::size(kWhence)) return Errno::kInval;
  // Asking where one is needs no right to move.
  const bool tells = offset == 0 && kWhence[whence] == SEEK_CUR;
  Descriptor* file = nullptr;
  const Errno error = FindFile(call, fd, tells ? 0 : rights::kFdSeek, &file);
  if (error != Errno::kSuccess) return error;
  if (tells && (file->rights_base & (rights::kFdSeek | rights::kFdTell)) == 0) {
    return Errno::kNotcapable;
  }
  return Seek(call, *file, static_cast<int64_t>(offset), kWhence[whence], result);
}

Errno FdTell(Call& call, uint32_t fd, Pointer result) {
  Descriptor* file = nullptr;
  const Errno error = FindFile(call, fd, rights::kFdTell, &file);
  if (error != Errno::kSuccess) return error;
  return Seek(call, *file, 0, SEEK_CUR, result);
}

Errno FdSync(Call& call, uint32_t fd) {
  return Sync(call, fd, rights::kFdSync, &::fsync);
}

Errno FdDatasync(Call& call, uint32_t fd) {
  return Sync(call, fd, rights::kFdDatasync, &::fdatasync);
}

Errno FdAdvise(Call& call, uint32_t fd, uint64_t offset, uint64_t bytes, uint32_t advice) {
  static constexpr int kAdvice[] = {POSIX_FADV_NORMAL,
                                    POSIX_FADV_SEQUENTIAL,
                                    POSIX_FADV_RANDOM,
                                    POSIX_FADV_WILLNEED,
                                    POSIX_FADV_DONTNEED,
                                    POSIX_FADV_NOREUSE};
  if (advice >= std::size(kAdvice)) return Errno::kInval;
  Descriptor* file = nullptr;
  const Errno error = FindFile(call, fd, rights::kFdAdvise, &file);
  if (error != Errno::kSuccess) return error;
  if (offset > INT64_MAX || bytes > INT64_MAX) return Errno::kInval;
  return FromHostErrno(::posix_fadvise(
      file->fd.get(), static_cast<off_t>(offset), static_cast<off_t>(bytes), kAdvice[advice]));
}

Errno FdAllocate(Call& call, uint32_t fd, uint64_t offset, uint64_t bytes) {
  Descriptor* file = nullptr;
  const Errno error = FindFile(call, fd, rights::kFdAllocate, &file);
  if (error != Errno::kSuccess) return error;
  if (file->read_only) return Errno::kRofs;
  if (offset > INT64_MAX || bytes > INT64_MAX) return Errno::kFbig;
  // Not posix_fallocate(3): where the file system cannot, it writes every block itself.
  const int result =
      ::fallocate(file->fd.get(), 0, static_cast<off_t>(offset), static_cast<off_t>(bytes));
  return result == 0 ? Errno::kSuccess : LastErrno();
}

}  // namespace tidepool::engine::wasi
