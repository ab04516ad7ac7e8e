// fd_close, fd_renumber, fd_fdstat_*, fd_prestat_*: descriptors as such.
#include <fcntl.h>

#include <cstring>

#include "engine/wasi/lookup_internal.h"

namespace tidepool::engine::wasi {

Errno FdClose(Call& call, uint32_t fd) {
  return call.context.descriptors().Close(fd);
}

Errno FdRenumber(Call& call, uint32_t from, uint32_t to) {
  return call.context.descriptors().Renumber(from, to);
}

Errno FdFdstatGet(Call& call, uint32_t fd, Pointer result) {
  Descriptor* descriptor = nullptr;
  const Errno error = FindDescriptor(call, fd, 0, &descriptor);
  if (error != Errno::kSuccess) return error;
  Fdstat stat{};
  stat.filetype = descriptor->filetype;
  stat.flags = descriptor->flags;
  stat.rights_base = descriptor->rights_base;
  stat.rights_inheriting = descriptor->rights_inheriting;
  return call.memory.Write(result, stat) ? Errno::kSuccess : Errno::kFault;
}

Errno FdFdstatSetFlags(Call& call, uint32_t fd, uint32_t flags) {
  Descriptor* descriptor = nullptr;
  const Errno error = FindDescriptor(call, fd, rights::kFdSetFlags, &descriptor);
  if (error != Errno::kSuccess) return error;
  if ((flags & ~uint32_t{kFdFlagsAll}) != 0) return Errno::kInval;
  // Linux changes only these two once a file is open (fcntl(2), F_SETFL).
  constexpr uint16_t kChangeable = kFdAppend | kFdNonblock;
  if (((flags ^ descriptor->flags) & ~uint32_t{kChangeable}) != 0) return Errno::kNotsup;
  if (descriptor->fd.valid()) {
    int host_flags = ::fcntl(descriptor->fd.get(), F_GETFL);
    if (host_flags < 0) return LastErrno();
    host_flags &= ~(O_APPEND | O_NONBLOCK);
    if ((flags & kFdAppend) != 0) host_flags |= O_APPEND;
    if ((flags & kFdNonblock) != 0) host_flags |= O_NONBLOCK;
    if (::fcntl(descriptor->fd.get(), F_SETFL, host_flags) != 0) return LastErrno();
  }
  descriptor->flags = static_cast<uint16_t>(flags);
  return Errno::kSuccess;
}

Errno FdFdstatSetRights(Call& call, uint32_t fd, uint64_t base, uint64_t inheriting) {
  Descriptor* descriptor = nullptr;
  const Errno error = FindDescriptor(call, fd, 0, &descriptor);
  if (error != Errno::kSuccess) return error;
  if ((base & ~descriptor->rights_base) != 0 ||
      (inheriting & ~descriptor->rights_inheriting) != 0) {
    return Errno::kNotcapable;
  }
  descriptor->rights_base = base;
  descriptor->rights_inheriting = inheriting;
  return Errno::kSuccess;
}

Errno FdPrestatGet(Call& call, uint32_t fd, Pointer result) {
  const Descriptor* descriptor = call.context.descriptors().Find(fd);
  if (descriptor == nullptr || !descriptor->preopen.has_value()) return Errno::kBadf;
  const Prestat prestat{.tag = 0, .name_bytes = static_cast<uint32_t>(descriptor->preopen->size())};
  return call.memory.Write(result, prestat) ? Errno::kSuccess : Errno::kFault;
}

Errno FdPrestatDirName(Call& call, uint32_t fd, Pointer name, uint32_t bytes) {
  const Descriptor* descriptor = call.context.descriptors().Find(fd);
  if (descriptor == nullptr || !descriptor->preopen.has_value()) return Errno::kBadf;
  const std::string& preopen = *descriptor->preopen;
  if (bytes < preopen.size()) return Errno::kNametoolong;
  const auto to = call.memory.Bytes(name, preopen.size());
  if (!to.has_value()) return Errno::kFault;
  std::memcpy(to->data(), preopen.data(), preopen.size());
  return Errno::kSuccess;
}

}  // namespace tidepool::engine::wasi
