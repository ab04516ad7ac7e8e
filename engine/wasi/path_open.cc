// path_open.
#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

#include "engine/wasi/lookup_internal.h"
#include "engine/wasi/path.h"

namespace tidepool::engine::wasi {
namespace {

struct OpenRequest {
  uint32_t lookup;
  uint32_t open_flags;
  uint32_t fd_flags;
  Rights base;
  Rights inheriting;

  bool directory() const { return (open_flags & kOpenDirectory) != 0; }
  bool truncates() const { return (open_flags & kOpenTruncate) != 0; }
  bool creates() const { return (open_flags & kOpenCreate) != 0; }
  // Whether contents are to be changed.  Rights to change contents asked of a directory are void.
  bool writes() const {
    return !directory() && (truncates() || (base & rights::kChangesContents) != 0);
  }
};

Errno CheckAllowed(const Descriptor& directory, const OpenRequest& request) {
  if (request.open_flags > kOpenFlagsAll || request.fd_flags > kFdFlagsAll) return Errno::kInval;
  if (request.creates() && request.directory()) return Errno::kInval;
  if (directory.read_only && (request.writes() || request.creates())) return Errno::kRofs;
  Rights needed = rights::kPathOpen;
  if (request.creates()) needed |= rights::kPathCreateFile;
  if (request.truncates()) needed |= rights::kPathSetSize;
  if ((needed & ~directory.rights_base) != 0) return Errno::kNotcapable;
  // Other rights that cannot be had are silently not granted, as other hosts do it; without these
  // the guest would get a descriptor that is of no use to it.
  constexpr Rights kEssential = rights::kFdRead | rights::kFdWrite;
  if ((request.base & kEssential & ~directory.rights_inheriting) != 0 && !request.directory()) {
    return Errno::kNotcapable;
  }
  return Errno::kSuccess;
}

int HostFlags(const OpenRequest& request) {
  // O_NONBLOCK: opening a FIFO or a device would wait for somebody.
  int flags = O_NOCTTY | O_NONBLOCK;
  const bool reads = (request.base & (rights::kFdRead | rights::kFdReaddir)) != 0;
  flags |= request.writes() ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY;
  if (request.creates()) flags |= O_CREAT;
  if (request.directory()) flags |= O_DIRECTORY;
  if ((request.open_flags & kOpenExclusive) != 0) flags |= O_EXCL;
  if (request.truncates()) flags |= O_TRUNC;
  if ((request.lookup & kLookupFollow) == 0) flags |= O_NOFOLLOW;
  if ((request.fd_flags & kFdAppend) != 0) flags |= O_APPEND;
  if ((request.fd_flags & kFdDsync) != 0) flags |= O_DSYNC;
  if ((request.fd_flags & (kFdSync | kFdRsync)) != 0) flags |= O_SYNC;
  return flags;
}

// What was opened, as a descriptor of the guest's.
Errno Describe(const Descriptor& directory,
               const OpenRequest& request,
               UniqueFd fd,
               Descriptor* descriptor) {
  struct stat stat {};
  if (::fstat(fd.get(), &stat) != 0) return LastErrno();
  const bool is_directory = S_ISDIR(stat.st_mode);
  // FIFOs, sockets and disks: they wait, or are more than a file.
  if (!is_directory && !S_ISREG(stat.st_mode) && !S_ISCHR(stat.st_mode)) return Errno::kNotsup;
  if (S_ISCHR(stat.st_mode) && (request.fd_flags & kFdNonblock) == 0) {
    const int flags = ::fcntl(fd.get(), F_GETFL);
    if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) return LastErrno();
  }
  const Rights granted = directory.rights_inheriting;
  descriptor->kind = is_directory ? Descriptor::Kind::kDirectory : Descriptor::Kind::kFile;
  descriptor->filetype = FiletypeOf(stat.st_mode);
  descriptor->flags = static_cast<uint16_t>(request.fd_flags);
  descriptor->read_only = directory.read_only;
  descriptor->rights_base =
      request.base & granted & (is_directory ? rights::kDirectory : rights::kFile);
  descriptor->rights_inheriting = request.inheriting & granted;
  descriptor->fd = std::move(fd);
  return Errno::kSuccess;
}

}  // namespace

Errno PathOpen(Call& call,
               uint32_t fd,
               uint32_t lookup,
               Pointer path,
               uint32_t bytes,
               uint32_t open_flags,
               uint64_t base,
               uint64_t inheriting,
               uint32_t fd_flags,
               Pointer result) {
  const OpenRequest request{lookup, open_flags, fd_flags, base, inheriting};
  Descriptor* directory = nullptr;
  Errno error = FindDirectory(call, fd, 0, &directory);
  if (error != Errno::kSuccess) return error;
  error = CheckAllowed(*directory, request);
  if (error != Errno::kSuccess) return error;
  std::string text;
  error = ReadPath(call, path, bytes, &text);
  if (error != Errno::kSuccess) return error;
  // Before the file is made or truncated, not after.
  if (!call.memory.Bytes(result, sizeof(uint32_t)).has_value()) return Errno::kFault;
  if (call.context.descriptors().full()) return Errno::kMfile;

  UniqueFd opened;
  constexpr uint32_t kMode = 0666;
  error = OpenBeneath(
      directory->fd.get(), text, HostFlags(request), request.creates() ? kMode : 0, &opened);
  if (error != Errno::kSuccess) return error;
  Descriptor descriptor;
  error = Describe(*directory, request, std::move(opened), &descriptor);
  if (error != Errno::kSuccess) return error;
  uint32_t number = 0;
  error = call.context.descriptors().Add(std::move(descriptor), &number);
  if (error != Errno::kSuccess) return error;
  return call.memory.Write(result, number) ? Errno::kSuccess : Errno::kFault;
}

}  // namespace tidepool::engine::wasi
