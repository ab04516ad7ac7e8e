#include "engine/platform/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/platform/syscall_error.h"
#include "engine/support/status_macros.h"

namespace tidepool {
namespace {

absl::string_view TextOf(const std::string& text) { return {text.data(), text.size()}; }

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status WriteAndSync(int fd, absl::Span<const uint8_t> content, const std::string& path) {
  TP_RETURN_IF_ERROR(WriteAllAt(fd, content, 0, TextOf(path)));
  if (::fsync(fd) < 0) return SyscallError("fsync", TextOf(path));
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteAllAt(int fd, absl::Span<const uint8_t> content, uint64_t offset_bytes,
                        absl::string_view name) {
  for (size_t done = 0; done < content.size();) {
    const ssize_t n = ::pwrite(fd, content.data() + done, content.size() - done,
                               static_cast<off_t>(offset_bytes + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SyscallError("pwrite", name);
    done += static_cast<size_t>(n);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<uint8_t>> ReadFile(const std::string& path, uint64_t bytes_max) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return SyscallError("open", TextOf(path));
  std::vector<uint8_t> content;
  // Not trusting st_size: a pipe has none, and a file may grow while it is read.
  constexpr size_t kStepBytes = 256 * 1024;
  for (;;) {
    const size_t at = content.size();
    content.resize(at + kStepBytes);
    const ssize_t n = ::read(fd.get(), content.data() + at, kStepBytes);
    if (n < 0 && errno != EINTR) return SyscallError("read", TextOf(path));
    content.resize(at + static_cast<size_t>(std::max<ssize_t>(n, 0)));
    if (content.size() > bytes_max) {
      return absl::ResourceExhaustedError(
          absl::StrCat(path, " is longer than the limit of ", bytes_max, " bytes"));
    }
    if (n == 0) return content;
  }
}

absl::Status WriteFileDurably(const std::string& path, absl::Span<const uint8_t> content) {
  std::string temporary = absl::StrCat(path, ".XXXXXX");
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) return SyscallError("mkostemp", TextOf(temporary));
  absl::Status status = WriteAndSync(fd.get(), content, path);
  if (status.ok() && ::fchmod(fd.get(), 0600) < 0) status = SyscallError("fchmod", TextOf(path));
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) < 0) {
    status = SyscallError("rename", TextOf(path));
  }
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  return SyncFolderOf(path);
}

absl::Status SyncFolderOf(const std::string& path) {
  const std::string folder = FolderOf(path);
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return SyscallError("open", TextOf(folder));
  if (::fsync(fd.get()) < 0) return SyscallError("fsync", TextOf(folder));
  return absl::OkStatus();
}

}  // namespace tidepool
