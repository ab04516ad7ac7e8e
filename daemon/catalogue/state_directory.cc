#include "daemon/catalogue/state_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

#include "absl/strings/str_cat.h"

#include "engine/platform/files.h"
#include "engine/platform/syscall_error.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

absl::Status MakeFolder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return SyncFolderOf(path);
  if (errno == EEXIST) return absl::OkStatus();
  return DiskStatus(SyscallError("mkdir", path));
}

// With its parents, as `mkdir -p`.
absl::Status MakeFolders(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("state directory ", path, " is not a folder"));
  }
  const size_t slash = path.rfind('/');
  if (slash != std::string::npos && slash != 0) {
    TP_RETURN_IF_ERROR(MakeFolders(path.substr(0, slash)));
  }
  return MakeFolder(path);
}

absl::StatusOr<UniqueFd> TakeLock(const std::string& path) {
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) return DiskStatus(SyscallError("open", path));
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) < 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return SyscallError("flock", path);
    char holder[32] = {};
    const ssize_t bytes = ::pread(lock.get(), holder, sizeof(holder) - 1, 0);
    return absl::FailedPreconditionError(
        absl::StrCat("another tidepoold",
                     bytes > 0 ? absl::StrCat(" (process ", holder, ")") : std::string(),
                     " is using this state directory: it holds ",
                     path));
  }
  // For the message above; losing it loses nothing else.
  const std::string holder = absl::StrCat(::getpid());
  if (::ftruncate(lock.get(), 0) == 0) {
    [[maybe_unused]] const ssize_t bytes = ::pwrite(lock.get(), holder.data(), holder.size(), 0);
  }
  return lock;
}

// Files only: nothing of ours makes folders there.
absl::Status EmptyFolder(const std::string& path) {
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) return SyscallError("opendir", path);
  while (const dirent* entry = ::readdir(folder)) {
    ::unlinkat(::dirfd(folder), entry->d_name, 0);
  }
  ::closedir(folder);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<StateDirectory>> StateDirectory::Open(const std::string& path) {
  TP_RETURN_IF_ERROR(MakeFolders(path));
  TP_ASSIGN_OR_RETURN(UniqueFd lock, TakeLock(path + "/lock"));
  for (const char* folder : {"/modules", "/artifacts", "/logs", "/tmp"}) {
    TP_RETURN_IF_ERROR(MakeFolder(path + folder));
  }
  TP_RETURN_IF_ERROR(EmptyFolder(path + "/tmp"));
  return std::unique_ptr<StateDirectory>(new StateDirectory(path, std::move(lock)));
}

std::string StateDirectory::ModulePath(const std::string& sha256) const {
  return absl::StrCat(path_, "/modules/", sha256, ".wasm");
}

absl::StatusOr<std::string> StateDirectory::ArtifactFolder(const std::string& abi_and_cpu) const {
  const std::string path = absl::StrCat(ArtifactsPath(), "/", abi_and_cpu);
  TP_RETURN_IF_ERROR(MakeFolder(path));
  return path;
}

std::string StateDirectory::NewTemporaryPath(absl::string_view suffix) const {
  static std::atomic<uint64_t> next{0};
  return absl::StrCat(path_, "/tmp/", ::getpid(), "-", next.fetch_add(1), suffix);
}

absl::Status StateDirectory::MoveIntoPlace(const std::string& from, const std::string& to) {
  UniqueFd file(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return DiskStatus(SyscallError("open", from));
  if (::fsync(file.get()) < 0) return DiskStatus(SyscallError("fsync", from));
  if (::rename(from.c_str(), to.c_str()) < 0) return DiskStatus(SyscallError("rename", to));
  return DiskStatus(SyncFolderOf(to));
}

absl::Status DiskStatus(absl::Status status) {
  for (const int error : {ENOSPC, EDQUOT, EFBIG}) {
    if (status.code() != absl::ErrnoToStatusCode(error)) continue;
    return absl::UnavailableError(
        absl::StrCat("the state directory's disk takes no more: ", status.message()));
  }
  return status;
}

}  // namespace tidepool::daemon
