#include "engine/platform/mapped_region.h"

#include <sys/mman.h>

#include "absl/strings/str_cat.h"
#include "engine/platform/syscall_error.h"

namespace tidepool {
namespace {

absl::StatusOr<MappedRegion> Map(size_t bytes, int protection, int flags, int fd) {
  void* base = ::mmap(nullptr, bytes, protection, flags, fd, 0);
  if (base == MAP_FAILED) return SyscallError("mmap", absl::StrCat(bytes, " bytes"));
  return MappedRegion(static_cast<uint8_t*>(base), bytes);
}

}  // namespace

MappedRegion::~MappedRegion() {
  if (base_ != nullptr) ::munmap(base_, bytes_);
}

absl::StatusOr<MappedRegion> MappedRegion::Anonymous(size_t bytes, int protection) {
  return Map(bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

absl::StatusOr<MappedRegion> MappedRegion::File(int fd, size_t bytes) {
  return Map(bytes, PROT_READ, MAP_PRIVATE, fd);
}

}  // namespace tidepool
