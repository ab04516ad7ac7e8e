// fd_readdir: the entries of a directory, from a cookie on.
//
// A cookie is the kernel's own position (d_off), so nothing is kept between calls and a guest can
// make us hold no list of names.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "engine/wasi/lookup_internal.h"

namespace tidepool::engine::wasi {
namespace {

// What getdents64(2) writes; the C library's `dirent64` has the same shape.
struct HostDirent {
  uint64_t inode;
  int64_t next;
  uint16_t record_bytes;
  uint8_t type;
  char name[];
};
constexpr size_t kNameOffset = offsetof(HostDirent, name);

Filetype FiletypeOfEntry(int directory_fd, uint8_t type, const char* name) {
  if (type != DT_UNKNOWN) return FiletypeOf(DTTOIF(type));
  // Some file systems do not say.
  struct stat stat {};
  if (::fstatat(directory_fd, name, &stat, AT_SYMLINK_NOFOLLOW) != 0) return Filetype::kUnknown;
  return FiletypeOf(stat.st_mode);
}

// Fills a guest's buffer; the last entry may be cut off, which tells the guest that there is more.
class EntryWriter {
 public:
  explicit EntryWriter(absl::Span<uint8_t> to) : rest_(to), bytes_(to.size()) {}

  void Append(const void* data, size_t bytes) {
    const size_t count = std::min(bytes, rest_.size());
    if (count != 0) std::memcpy(rest_.data(), data, count);
    rest_.remove_prefix(count);
  }
  bool full() const { return rest_.empty(); }
  uint32_t used_bytes() const { return static_cast<uint32_t>(bytes_ - rest_.size()); }

 private:
  absl::Span<uint8_t> rest_;
  const size_t bytes_;
};

void AppendEntries(int directory_fd, absl::Span<const uint8_t> records, EntryWriter& writer) {
  while (!records.empty() && !writer.full()) {
    const auto* record = reinterpret_cast<const HostDirent*>(records.data());
    const char* name = reinterpret_cast<const char*>(records.data()) + kNameOffset;
    Dirent entry{};
    entry.next = static_cast<uint64_t>(record->next);
    entry.inode = record->inode;
    entry.name_bytes = static_cast<uint32_t>(::strnlen(name, record->record_bytes - kNameOffset));
    entry.filetype = FiletypeOfEntry(directory_fd, record->type, name);
    writer.Append(&entry, sizeof(entry));
    writer.Append(name, entry.name_bytes);
    records.remove_prefix(record->record_bytes);
  }
}

}  // namespace

Errno FdReaddir(
    Call& call, uint32_t fd, Pointer buffer, uint32_t bytes, uint64_t cookie, Pointer result) {
  Descriptor* directory = nullptr;
  const Errno error = FindDirectory(call, fd, rights::kFdReaddir, &directory);
  if (error != Errno::kSuccess) return error;
  const auto to = call.memory.Bytes(buffer, bytes);
  if (!to.has_value()) return Errno::kFault;
  const int host_fd = directory->fd.get();
  if (cookie > INT64_MAX) return Errno::kInval;
  if (::lseek(host_fd, static_cast<off_t>(cookie), SEEK_SET) < 0) return LastErrno();

  EntryWriter writer(*to);
  const absl::Span<uint8_t> records = call.context.bounce_buffer();
  while (!writer.full()) {
    const long count = ::syscall(SYS_getdents64, host_fd, records.data(), records.size());
    if (count < 0) return LastErrno();
    if (count == 0) break;
    AppendEntries(host_fd, records.first(static_cast<size_t>(count)), writer);
    if (call.Interrupted()) return Errno::kIntr;
  }
  return call.memory.Write(result, writer.used_bytes()) ? Errno::kSuccess : Errno::kFault;
}

}  // namespace tidepool::engine::wasi
