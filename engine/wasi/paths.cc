// path_*: functions that change what a name stands for, or read a link.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstring>

#include "engine/wasi/lookup_internal.h"
#include "engine/wasi/path.h"

namespace tidepool::engine::wasi {
namespace {

struct GuestPath {
  uint32_t fd;
  Pointer text;
  uint32_t bytes;
};

// The directory with `needed` rights, and the path's parent beneath it.
Errno Resolve(
    Call& call, GuestPath path, Rights needed, Descriptor** directory, ParentAndLast* resolved) {
  Errno error = FindDirectory(call, path.fd, needed, directory);
  if (error != Errno::kSuccess) return error;
  std::string text;
  error = ReadPath(call, path.text, path.bytes, &text);
  if (error != Errno::kSuccess) return error;
  return ResolveParent((*directory)->fd.get(), text, resolved);
}

// The same for a change: kRofs when nothing beneath the directory may change.
Errno ResolveForChange(Call& call, GuestPath path, Rights needed, ParentAndLast* resolved) {
  Descriptor* directory = nullptr;
  const Errno error = FindDirectory(call, path.fd, needed, &directory);
  if (error != Errno::kSuccess) return error;
  if (directory->read_only) return Errno::kRofs;
  return Resolve(call, path, needed, &directory, resolved);
}

Errno FromResult(int result) {
  return result == 0 ? Errno::kSuccess : LastErrno();
}

// "x/" names a directory: kNotdir when x is something else.
Errno CheckTrailingSlash(const ParentAndLast& resolved) {
  if (!resolved.trailing_slash) return Errno::kSuccess;
  bool is_directory = false;
  const Errno error = IsDirectory(resolved, &is_directory);
  if (error != Errno::kSuccess) return error;
  return is_directory ? Errno::kSuccess : Errno::kNotdir;
}

}  // namespace

Errno PathCreateDirectory(Call& call, uint32_t fd, Pointer path, uint32_t bytes) {
  ParentAndLast at;
  const Errno error = ResolveForChange(call, {fd, path, bytes}, rights::kPathCreateDirectory, &at);
  if (error != Errno::kSuccess) return error;
  if (at.is_dots) return Errno::kExist;
  constexpr mode_t kMode = 0777;
  return FromResult(::mkdirat(at.parent_fd, at.last.c_str(), kMode));
}

Errno PathRemoveDirectory(Call& call, uint32_t fd, Pointer path, uint32_t bytes) {
  ParentAndLast at;
  const Errno error = ResolveForChange(call, {fd, path, bytes}, rights::kPathRemoveDirectory, &at);
  if (error != Errno::kSuccess) return error;
  if (at.is_dots) return at.last == "." ? Errno::kInval : Errno::kNotempty;
  return FromResult(::unlinkat(at.parent_fd, at.last.c_str(), AT_REMOVEDIR));
}

Errno PathUnlinkFile(Call& call, uint32_t fd, Pointer path, uint32_t bytes) {
  ParentAndLast at;
  Errno error = ResolveForChange(call, {fd, path, bytes}, rights::kPathUnlinkFile, &at);
  if (error != Errno::kSuccess) return error;
  if (at.is_dots) return Errno::kIsdir;
  error = CheckTrailingSlash(at);
  if (error != Errno::kSuccess) return error;
  return FromResult(::unlinkat(at.parent_fd, at.last.c_str(), 0));
}

Errno PathRename(Call& call,
                 uint32_t old_fd,
                 Pointer old_path,
                 uint32_t old_bytes,
                 uint32_t new_fd,
                 Pointer new_path,
                 uint32_t new_bytes) {
  ParentAndLast from;
  Errno error =
      ResolveForChange(call, {old_fd, old_path, old_bytes}, rights::kPathRenameSource, &from);
  if (error != Errno::kSuccess) return error;
  ParentAndLast to;
  error = ResolveForChange(call, {new_fd, new_path, new_bytes}, rights::kPathRenameTarget, &to);
  if (error != Errno::kSuccess) return error;
  if (from.is_dots || to.is_dots) return Errno::kBusy;
  // A slash behind either name says that a directory is moved.
  from.trailing_slash |= to.trailing_slash;
  error = CheckTrailingSlash(from);
  if (error != Errno::kSuccess) return error;
  return FromResult(::renameat(from.parent_fd, from.last.c_str(), to.parent_fd, to.last.c_str()));
}

Errno PathLink(Call& call,
               uint32_t old_fd,
               uint32_t lookup,
               Pointer old_path,
               uint32_t old_bytes,
               uint32_t new_fd,
               Pointer new_path,
               uint32_t new_bytes) {
  // A hard link to what a symbolic link points at, wherever that is: not offered.
  if ((lookup & kLookupFollow) != 0) return Errno::kInval;
  ParentAndLast from;
  // The source counts as changed: a second name elsewhere would be a way to write to it.
  Errno error =
      ResolveForChange(call, {old_fd, old_path, old_bytes}, rights::kPathLinkSource, &from);
  if (error != Errno::kSuccess) return error;
  ParentAndLast to;
  error = ResolveForChange(call, {new_fd, new_path, new_bytes}, rights::kPathLinkTarget, &to);
  if (error != Errno::kSuccess) return error;
  if (from.is_dots) return Errno::kPerm;  // A directory.
  if (to.is_dots) return Errno::kExist;
  error = CheckTrailingSlash(from);
  if (error != Errno::kSuccess) return error;
  if (to.trailing_slash) {
    bool is_directory = false;
    return IsDirectory(to, &is_directory) == Errno::kSuccess ? Errno::kExist : Errno::kNoent;
  }
  return FromResult(::linkat(from.parent_fd, from.last.c_str(), to.parent_fd, to.last.c_str(), 0));
}

Errno PathSymlink(
    Call& call, Pointer target, uint32_t target_bytes, uint32_t fd, Pointer path, uint32_t bytes) {
  std::string text;
  Errno error = ReadPath(call, target, target_bytes, &text);
  if (error != Errno::kSuccess) return error;
  // We would never follow it, but other programs of the host might.
  if (text.front() == '/') return Errno::kNotcapable;
  ParentAndLast at;
  error = ResolveForChange(call, {fd, path, bytes}, rights::kPathSymlink, &at);
  if (error != Errno::kSuccess) return error;
  if (at.is_dots) return Errno::kExist;
  if (at.trailing_slash) {
    bool is_directory = false;
    return IsDirectory(at, &is_directory) == Errno::kSuccess ? Errno::kExist : Errno::kNoent;
  }
  return FromResult(::symlinkat(text.c_str(), at.parent_fd, at.last.c_str()));
}

Errno PathReadlink(Call& call,
                   uint32_t fd,
                   Pointer path,
                   uint32_t bytes,
                   Pointer buffer,
                   uint32_t buffer_bytes,
                   Pointer result) {
  Descriptor* directory = nullptr;
  ParentAndLast at;
  const Errno error = Resolve(call, {fd, path, bytes}, rights::kPathReadlink, &directory, &at);
  if (error != Errno::kSuccess) return error;
  if (at.is_dots || at.trailing_slash) return Errno::kInval;  // No link.
  char target[PATH_MAX];
  const ssize_t count = ::readlinkat(at.parent_fd, at.last.c_str(), target, sizeof(target));
  if (count < 0) return LastErrno();
  const uint32_t used = std::min(static_cast<uint32_t>(count), buffer_bytes);
  const auto to = call.memory.Bytes(buffer, used);
  if (!to.has_value()) return Errno::kFault;
  if (used != 0) std::memcpy(to->data(), target, used);
  return call.memory.Write(result, used) ? Errno::kSuccess : Errno::kFault;
}

}  // namespace tidepool::engine::wasi
