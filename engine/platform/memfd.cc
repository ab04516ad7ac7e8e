#include "engine/platform/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "engine/platform/files.h"
#include "engine/platform/syscall_error.h"
#include "engine/support/status_macros.h"

namespace tidepool {

absl::StatusOr<UniqueFd> CreateMemfd(const char* name, uint64_t bytes) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return SyscallError("memfd_create", name);
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) < 0) return SyscallError("ftruncate", name);
  return fd;
}

absl::StatusOr<UniqueFd> CreateSealedMemfd(const char* name, uint64_t bytes,
                                           absl::Span<const FileExtent> extents) {
  TP_ASSIGN_OR_RETURN(UniqueFd fd, CreateMemfd(name, bytes));
  for (const FileExtent& extent : extents) {
    TP_RETURN_IF_ERROR(WriteAllAt(fd.get(), extent.content, extent.offset_bytes, name));
  }
  // Every instance of the module starts from this file, for every request.  One
  // writable mapping by mistake would change them all; sealing rules that out.
  constexpr int kSeals = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL;
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) < 0) return SyscallError("fcntl(F_ADD_SEALS)", name);
  return fd;
}

}  // namespace tidepool
