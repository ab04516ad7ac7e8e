#include "engine/wasi/path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "engine/wasi/limits.h"

namespace tidepool::engine::wasi {
namespace {

// Well-formed UTF-8 (Unicode 3.9, table 3-7), without zero bytes.
Errno CheckText(const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const auto lead = static_cast<uint8_t>(text[at]);
    if (lead == 0) return Errno::kInval;
    size_t tail = 0;
    uint8_t second_min = 0x80;
    uint8_t second_max = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
      tail = 1;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      tail = 2;
      if (lead == 0xE0) second_min = 0xA0;
      if (lead == 0xED) second_max = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      tail = 3;
      if (lead == 0xF0) second_min = 0x90;
      if (lead == 0xF4) second_max = 0x8F;
    } else if (lead >= 0x80) {
      return Errno::kIlseq;
    }
    if (text.size() - at <= tail) return Errno::kIlseq;
    for (size_t i = 1; i <= tail; ++i) {
      const auto byte = static_cast<uint8_t>(text[at + i]);
      if (byte < (i == 1 ? second_min : 0x80) || byte > (i == 1 ? second_max : 0xBF)) {
        return Errno::kIlseq;
      }
    }
    at += tail + 1;
  }
  return Errno::kSuccess;
}

}  // namespace

Errno ReadPath(Call& call, Pointer path, uint32_t bytes, std::string* result) {
  const auto from = call.memory.Bytes(path, bytes);
  if (!from.has_value()) return Errno::kFault;
  if (bytes > limits::kPathBytesMax) return Errno::kNametoolong;
  result->assign(reinterpret_cast<const char*>(from->data()), from->size());
  if (result->empty()) return Errno::kNoent;
  return CheckText(*result);
}

Errno OpenBeneath(
    int directory_fd, const std::string& path, int flags, uint32_t mode, UniqueFd* result) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0; attempt < limits::kResolveAttemptsMax; ++attempt) {
    *result = UniqueFd(
        static_cast<int>(::syscall(SYS_openat2, directory_fd, path.c_str(), &how, sizeof(how))));
    if (result->valid()) return Errno::kSuccess;
    if (errno == EXDEV) return Errno::kNotcapable;
    // EAGAIN: `..` was crossed while something was renamed, so the kernel cannot tell.
    if (errno != EAGAIN && errno != EINTR) return LastErrno();
  }
  return Errno::kAgain;
}

Errno ResolveParent(int directory_fd, const std::string& path, ParentAndLast* result) {
  if (path.empty()) return Errno::kNoent;
  if (path.front() == '/') return Errno::kNotcapable;
  const size_t end = path.find_last_not_of('/') + 1;  // Not 0: the first byte is no slash.
  result->trailing_slash = end != path.size();
  const size_t slash = path.rfind('/', end - 1);
  const size_t begin = slash == std::string::npos ? 0 : slash + 1;
  result->last = path.substr(begin, end - begin);
  result->is_dots = result->last == "." || result->last == "..";
  if (result->is_dots) {
    // Such a last component is followed after all, so the whole path must stay beneath.
    UniqueFd whole;
    const Errno error = OpenBeneath(directory_fd, path, O_PATH | O_DIRECTORY, 0, &whole);
    if (error != Errno::kSuccess) return error;
  }
  result->parent_fd = directory_fd;
  if (begin == 0) return Errno::kSuccess;
  const Errno error =
      OpenBeneath(directory_fd, path.substr(0, begin), O_PATH | O_DIRECTORY, 0, &result->parent);
  result->parent_fd = result->parent.get();
  return error;
}

Errno IsDirectory(const ParentAndLast& resolved, bool* is_directory) {
  struct stat stat {};
  if (::fstatat(resolved.parent_fd, resolved.last.c_str(), &stat, AT_SYMLINK_NOFOLLOW) != 0) {
    return LastErrno();
  }
  *is_directory = S_ISDIR(stat.st_mode);
  return Errno::kSuccess;
}

}  // namespace tidepool::engine::wasi
