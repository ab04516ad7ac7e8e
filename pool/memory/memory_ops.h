// MemoryOps: every system call by which the pool changes memory.
//
// The seam through which tests make each call fail in turn, and by which system calls are counted.
// Kernel is the real one.
//
// Units    Bytes; addresses and lengths are multiples of the host page.
// Threads  One pool, one MemoryOps, one thread.
// Errors   As errno says (ENOMEM, EMFILE: ResourceExhausted); what is mapped after a failed call is
//          unknown, but for Truncate, CreateFile and CreateSealedFile, which change nothing then.
// Source   mmap(2), mprotect(2), madvise(2), ftruncate(2), memfd_create(2).
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/platform/memfd.h"
#include "engine/platform/unique_fd.h"
#include "pool/memory/counter.h"

namespace tidepool::pool {

enum class MemoryCall : uint8_t {
  kReserve,
  kMapFile,
  kMapAnonymous,
  kProtect,
  kDiscard,
  kAdvise,
  kTruncate,
  kCreateFile,
  kCreateSealedFile,
};
inline constexpr uint32_t kMemoryCallCount = 9;
absl::string_view NameOf(MemoryCall call);

struct MemoryCallCounts {
  uint64_t by_call[kMemoryCallCount] = {};
  uint64_t Total() const {
    uint64_t total = 0;
    for (uint64_t count : by_call) total += count;
    return total;
  }
};

enum class Access : uint8_t { kNone, kRead, kReadWrite };
enum class Sharing : uint8_t { kPrivate, kShared };

class MemoryOps {
 public:
  virtual ~MemoryOps() = default;

  // Inaccessible address space, aligned to 2 MiB, without memory behind it.
  virtual absl::StatusOr<uint8_t*> Reserve(uint64_t bytes) = 0;
  // Over what is there: the first `bytes` of a file.
  virtual absl::Status MapFile(uint8_t* at, uint64_t bytes, Access access, Sharing sharing,
                               int fd) = 0;
  // Over what is there: zeros.
  virtual absl::Status MapAnonymous(uint8_t* at, uint64_t bytes, Access access) = 0;
  virtual absl::Status Protect(uint8_t* at, uint64_t bytes, Access access) = 0;
  // Private pages go; what the mapping is of comes back (a file's bytes, or zeros).  Resets nothing
  // on shared mappings.
  virtual absl::Status Discard(uint8_t* at, uint64_t bytes) = 0;
  // One madvise(2) that concerns the mapping, not its contents (MADV_DONTFORK …).
  virtual absl::Status Advise(uint8_t* at, uint64_t bytes, int advice) = 0;
  virtual absl::Status Truncate(int fd, uint64_t bytes) = 0;
  virtual absl::StatusOr<UniqueFd> CreateFile(const char* name) = 0;
  virtual absl::StatusOr<UniqueFd> CreateSealedFile(const char* name, uint64_t bytes,
                                                    absl::Span<const FileExtent> extents) = 0;
  // Cannot usefully fail: at the end of a slab's life.
  virtual void Unmap(uint8_t* at, uint64_t bytes) = 0;

  virtual MemoryCallCounts Counts() const = 0;
};

// The kernel's own.
class KernelMemoryOps final : public MemoryOps {
 public:
  absl::StatusOr<uint8_t*> Reserve(uint64_t bytes) override;
  absl::Status MapFile(uint8_t* at, uint64_t bytes, Access access, Sharing sharing,
                       int fd) override;
  absl::Status MapAnonymous(uint8_t* at, uint64_t bytes, Access access) override;
  absl::Status Protect(uint8_t* at, uint64_t bytes, Access access) override;
  absl::Status Discard(uint8_t* at, uint64_t bytes) override;
  absl::Status Advise(uint8_t* at, uint64_t bytes, int advice) override;
  absl::Status Truncate(int fd, uint64_t bytes) override;
  absl::StatusOr<UniqueFd> CreateFile(const char* name) override;
  absl::StatusOr<UniqueFd> CreateSealedFile(const char* name, uint64_t bytes,
                                            absl::Span<const FileExtent> extents) override;
  void Unmap(uint8_t* at, uint64_t bytes) override;
  MemoryCallCounts Counts() const override;

 private:
  Counter& CountOf(MemoryCall call) { return counts_[static_cast<uint32_t>(call)]; }
  Counter counts_[kMemoryCallCount];
};

// MADV_DONTFORK: a fork would make every dirty page fault again, and show it to the child.
// MADV_NOHUGEPAGE: one byte written must not make 512 pages present.  MADV_DONTDUMP: a core file is
// no place for tenants' memory.  A mapping made over another one has lost them: advise again.
absl::Status AdvisePooled(MemoryOps& ops, uint8_t* at, uint64_t bytes);

}  // namespace tidepool::pool
