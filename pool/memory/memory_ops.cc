#include "pool/memory/memory_ops.h"

#include <errno.h>
#include <sys/mman.h>

#include "absl/strings/str_cat.h"
#include "engine/platform/syscall_error.h"
#include "engine/support/check.h"
#include "engine/support/status_macros.h"
#include "engine/support/units.h"

namespace tidepool::pool {
namespace {

constexpr uint64_t kReservationAlignmentBytes = 2 * kMiB;

int ProtectionOf(Access access) {
  switch (access) {
    case Access::kNone: return PROT_NONE;
    case Access::kRead: return PROT_READ;
    case Access::kReadWrite: return PROT_READ | PROT_WRITE;
  }
  return PROT_NONE;
}

absl::Status MapFixed(uint8_t* at, uint64_t bytes, int protection, int flags, int fd) {
  void* mapped = ::mmap(at, bytes, protection, flags | MAP_FIXED | MAP_NORESERVE, fd, 0);
  if (mapped != MAP_FAILED) return absl::OkStatus();
  absl::Status status = SyscallError("mmap", absl::StrCat(bytes, " bytes"));
  // Older kernels unmap first and may fail afterwards.  A hole in a slab is deadly: the next mmap of
  // any thread could land where a guest's unchecked access reaches.  msync(2) tells (ENOMEM).
  if (::msync(at, bytes, MS_ASYNC) < 0 && errno == ENOMEM) {
    TP_CHECK(::mmap(at, bytes, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED);
  }
  return status;
}

}  // namespace

absl::string_view NameOf(MemoryCall call) {
  switch (call) {
    case MemoryCall::kReserve: return "reserve";
    case MemoryCall::kMapFile: return "map_file";
    case MemoryCall::kMapAnonymous: return "map_anonymous";
    case MemoryCall::kProtect: return "protect";
    case MemoryCall::kDiscard: return "discard";
    case MemoryCall::kAdvise: return "advise";
    case MemoryCall::kTruncate: return "truncate";
    case MemoryCall::kCreateFile: return "create_file";
    case MemoryCall::kCreateSealedFile: return "create_sealed_file";
  }
  return "unknown";
}

absl::StatusOr<uint8_t*> KernelMemoryOps::Reserve(uint64_t bytes) {
  CountOf(MemoryCall::kReserve).Add();
  // Slots that begin at 2 MiB boundaries share no page table, so that dropping one frees its own.
  const uint64_t span_bytes = bytes + kReservationAlignmentBytes;
  void* mapped = ::mmap(nullptr, span_bytes, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return SyscallError("mmap", absl::StrCat(bytes, " bytes reserved"));
  auto* span = static_cast<uint8_t*>(mapped);
  const uint64_t address = reinterpret_cast<uintptr_t>(span);
  const uint64_t head_bytes = RoundUp(address, kReservationAlignmentBytes) - address;
  const uint64_t tail_bytes = span_bytes - head_bytes - bytes;
  if (head_bytes != 0) Unmap(span, head_bytes);
  if (tail_bytes != 0) Unmap(span + head_bytes + bytes, tail_bytes);
  return span + head_bytes;
}

absl::Status KernelMemoryOps::MapFile(uint8_t* at, uint64_t bytes, Access access, Sharing sharing,
                                      int fd) {
  CountOf(MemoryCall::kMapFile).Add();
  return MapFixed(at, bytes, ProtectionOf(access),
                  sharing == Sharing::kPrivate ? MAP_PRIVATE : MAP_SHARED, fd);
}

absl::Status KernelMemoryOps::MapAnonymous(uint8_t* at, uint64_t bytes, Access access) {
  CountOf(MemoryCall::kMapAnonymous).Add();
  return MapFixed(at, bytes, ProtectionOf(access), MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

absl::Status KernelMemoryOps::Protect(uint8_t* at, uint64_t bytes, Access access) {
  CountOf(MemoryCall::kProtect).Add();
  if (::mprotect(at, bytes, ProtectionOf(access)) < 0) {
    return SyscallError("mprotect", absl::StrCat(bytes, " bytes"));
  }
  return absl::OkStatus();
}

absl::Status KernelMemoryOps::Discard(uint8_t* at, uint64_t bytes) {
  CountOf(MemoryCall::kDiscard).Add();
  if (::madvise(at, bytes, MADV_DONTNEED) < 0) {
    return SyscallError("madvise(MADV_DONTNEED)", absl::StrCat(bytes, " bytes"));
  }
  return absl::OkStatus();
}

absl::Status KernelMemoryOps::Advise(uint8_t* at, uint64_t bytes, int advice) {
  CountOf(MemoryCall::kAdvise).Add();
  if (::madvise(at, bytes, advice) == 0) return absl::OkStatus();
  // A kernel that has no huge pages at all has nothing to be told about them.
  if (advice == MADV_NOHUGEPAGE && errno == EINVAL) return absl::OkStatus();
  return SyscallError("madvise", absl::StrCat("advice ", advice, ", ", bytes, " bytes"));
}

absl::Status KernelMemoryOps::Truncate(int fd, uint64_t bytes) {
  CountOf(MemoryCall::kTruncate).Add();
  int result;
  do {
    result = ::ftruncate(fd, static_cast<off_t>(bytes));
  } while (result < 0 && errno == EINTR);
  if (result < 0) return SyscallError("ftruncate", absl::StrCat(bytes, " bytes"));
  return absl::OkStatus();
}

absl::StatusOr<UniqueFd> KernelMemoryOps::CreateFile(const char* name) {
  CountOf(MemoryCall::kCreateFile).Add();
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC));
  if (!fd.valid()) return SyscallError("memfd_create", name);
  return fd;
}

absl::StatusOr<UniqueFd> KernelMemoryOps::CreateSealedFile(const char* name, uint64_t bytes,
                                                           absl::Span<const FileExtent> extents) {
  CountOf(MemoryCall::kCreateSealedFile).Add();
  return CreateSealedMemfd(name, bytes, extents);
}

void KernelMemoryOps::Unmap(uint8_t* at, uint64_t bytes) { TP_CHECK(::munmap(at, bytes) == 0); }

MemoryCallCounts KernelMemoryOps::Counts() const {
  MemoryCallCounts counts;
  for (uint32_t i = 0; i < kMemoryCallCount; ++i) counts.by_call[i] = counts_[i].Get();
  return counts;
}

absl::Status AdvisePooled(MemoryOps& ops, uint8_t* at, uint64_t bytes) {
  TP_RETURN_IF_ERROR(ops.Advise(at, bytes, MADV_DONTFORK));
  TP_RETURN_IF_ERROR(ops.Advise(at, bytes, MADV_NOHUGEPAGE));
  return ops.Advise(at, bytes, MADV_DONTDUMP);
}

}  // namespace tidepool::pool
