// fd_filestat_*, path_filestat_*: what is known about a file, its size and its times.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/wasi/lookup_internal.h"
#include "engine/wasi/path.h"

namespace tidepool::engine::wasi {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

// WASI has no times before 1970.
uint64_t ToNs(const timespec& time) {
  if (time.tv_sec < 0) return 0;
  return static_cast<uint64_t>(time.tv_sec) * kNsPerSecond + static_cast<uint64_t>(time.tv_nsec);
}

Filestat ToFilestat(const struct stat& stat) {
  Filestat result{};
  result.device = stat.st_dev;
  result.inode = stat.st_ino;
  result.filetype = FiletypeOf(stat.st_mode);
  result.links = stat.st_nlink;
  result.bytes = static_cast<uint64_t>(stat.st_size);
  result.accessed_ns = ToNs(stat.st_atim);
  result.modified_ns = ToNs(stat.st_mtim);
  result.changed_ns = ToNs(stat.st_ctim);
  return result;
}

Errno StatFd(Call& call, int fd, Pointer result) {
  struct stat stat {};
  if (::fstat(fd, &stat) != 0) return LastErrno();
  return call.memory.Write(result, ToFilestat(stat)) ? Errno::kSuccess : Errno::kFault;
}

// One time of a *_set_times call: given, now, or as it is.
bool ToTimespec(uint32_t flags, uint16_t set, uint16_t set_now, uint64_t ns, timespec* time) {
  if ((flags & set) != 0 && (flags & set_now) != 0) return false;
  *time = {.tv_sec = 0, .tv_nsec = UTIME_OMIT};
  if ((flags & set_now) != 0) time->tv_nsec = UTIME_NOW;
  if ((flags & set) != 0) {
    *time = {.tv_sec = static_cast<time_t>(ns / kNsPerSecond),
             .tv_nsec = static_cast<long>(ns % kNsPerSecond)};
  }
  return true;
}

Errno ToTimes(uint32_t flags, uint64_t accessed_ns, uint64_t modified_ns, timespec (&times)[2]) {
  if ((flags & ~uint32_t{kSetTimesAll}) != 0 ||
      !ToTimespec(flags, kSetAccessTime, kSetAccessTimeNow, accessed_ns, &times[0]) ||
      !ToTimespec(flags, kSetModifyTime, kSetModifyTimeNow, modified_ns, &times[1])) {
    return Errno::kInval;
  }
  return Errno::kSuccess;
}

// Whole path in one resolution; O_PATH reads nothing and so needs no permission on the file.
Errno OpenForStat(Call& call,
                  const Descriptor& directory,
                  uint32_t lookup,
                  Pointer path,
                  uint32_t bytes,
                  UniqueFd* result) {
  std::string text;
  const Errno error = ReadPath(call, path, bytes, &text);
  if (error != Errno::kSuccess) return error;
  const int nofollow = (lookup & kLookupFollow) != 0 ? 0 : O_NOFOLLOW;
  return OpenBeneath(directory.fd.get(), text, O_PATH | nofollow, 0, result);
}

}  // namespace

Errno FdFilestatGet(Call& call, uint32_t fd, Pointer result) {
  Descriptor* descriptor = nullptr;
  const Errno error = FindDescriptor(call, fd, rights::kFdFilestatGet, &descriptor);
  if (error != Errno::kSuccess) return error;
  if (descriptor->fd.valid()) return StatFd(call, descriptor->fd.get(), result);
  // Of a stream the guest learns no more than what it is.
  Filestat stat{};
  stat.filetype = descriptor->filetype;
  return call.memory.Write(result, stat) ? Errno::kSuccess : Errno::kFault;
}

Errno FdFilestatSetSize(Call& call, uint32_t fd, uint64_t bytes) {
  Descriptor* file = nullptr;
  const Errno error = FindFile(call, fd, rights::kFdSetSize, &file);
  if (error != Errno::kSuccess) return error;
  if (file->read_only) return Errno::kRofs;
  if (bytes > INT64_MAX) return Errno::kFbig;
  return ::ftruncate(file->fd.get(), static_cast<off_t>(bytes)) == 0 ? Errno::kSuccess
                                                                     : LastErrno();
}

Errno FdFilestatSetTimes(
    Call& call, uint32_t fd, uint64_t accessed_ns, uint64_t modified_ns, uint32_t flags) {
  Descriptor* descriptor = nullptr;
  Errno error = FindDescriptor(call, fd, rights::kFdSetTimes, &descriptor);
  if (error != Errno::kSuccess) return error;
  if (descriptor->read_only) return Errno::kRofs;
  timespec times[2];
  error = ToTimes(flags, accessed_ns, modified_ns, times);
  if (error != Errno::kSuccess) return error;
  return ::futimens(descriptor->fd.get(), times) == 0 ? Errno::kSuccess : LastErrno();
}

Errno PathFilestatGet(
    Call& call, uint32_t fd, uint32_t lookup, Pointer path, uint32_t bytes, Pointer result) {
  Descriptor* directory = nullptr;
  Errno error = FindDirectory(call, fd, rights::kPathFilestatGet, &directory);
  if (error != Errno::kSuccess) return error;
  UniqueFd found;
  error = OpenForStat(call, *directory, lookup, path, bytes, &found);
  return error == Errno::kSuccess ? StatFd(call, found.get(), result) : error;
}

Errno PathFilestatSetTimes(Call& call,
                           uint32_t fd,
                           uint32_t lookup,
                           Pointer path,
                           uint32_t bytes,
                           uint64_t accessed_ns,
                           uint64_t modified_ns,
                           uint32_t flags) {
  Descriptor* directory = nullptr;
  Errno error = FindDirectory(call, fd, rights::kPathSetTimes, &directory);
  if (error != Errno::kSuccess) return error;
  if (directory->read_only) return Errno::kRofs;
  timespec times[2];
  error = ToTimes(flags, accessed_ns, modified_ns, times);
  if (error != Errno::kSuccess) return error;
  UniqueFd found;
  error = OpenForStat(call, *directory, lookup, path, bytes, &found);
  if (error != Errno::kSuccess) return error;
  // AT_EMPTY_PATH: of the very file that was found, link or not (Linux 5.8).
  return ::utimensat(found.get(), "", times, AT_EMPTY_PATH) == 0 ? Errno::kSuccess : LastErrno();
}

}  // namespace tidepool::engine::wasi
