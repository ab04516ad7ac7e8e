// FailingMemoryOps: the kernel, failing on order.
//
//   FailingMemoryOps ops;
//   ops.FailNext(MemoryCall::kDiscard);      the next such call fails, once
//   ops.FailAfter(3);                        the fourth call of any kind from here fails, once
//   ops.FailAlways(MemoryCall::kMapFile);    until Heal
#pragma once

#include <cerrno>
#include <cstdint>
#include <optional>
#include <set>

#include "engine/platform/syscall_error.h"
#include "pool/memory/memory_ops.h"

namespace tidepool::pool {

class FailingMemoryOps final : public MemoryOps {
 public:
  void FailNext(MemoryCall call, int error = ENOMEM) {
    next_ = call;
    error_ = error;
  }
  void FailAfter(uint64_t successes, int error = ENOMEM) {
    countdown_ = successes;
    error_ = error;
  }
  void FailAlways(MemoryCall call) { always_.insert(call); }
  void Heal() {
    next_.reset();
    countdown_.reset();
    always_.clear();
  }
  // Whether a failure that was ordered has not happened yet.
  bool pending() const { return next_.has_value() || countdown_.has_value(); }
  uint64_t failures() const { return failures_; }

  absl::StatusOr<uint8_t*> Reserve(uint64_t bytes) override {
    if (Fails(MemoryCall::kReserve)) return Failure(MemoryCall::kReserve);
    return kernel_.Reserve(bytes);
  }
  absl::Status MapFile(uint8_t* at, uint64_t bytes, Access access, Sharing sharing,
                       int fd) override {
    if (Fails(MemoryCall::kMapFile)) return Failure(MemoryCall::kMapFile);
    return kernel_.MapFile(at, bytes, access, sharing, fd);
  }
  absl::Status MapAnonymous(uint8_t* at, uint64_t bytes, Access access) override {
    if (Fails(MemoryCall::kMapAnonymous)) return Failure(MemoryCall::kMapAnonymous);
    return kernel_.MapAnonymous(at, bytes, access);
  }
  absl::Status Protect(uint8_t* at, uint64_t bytes, Access access) override {
    if (Fails(MemoryCall::kProtect)) return Failure(MemoryCall::kProtect);
    return kernel_.Protect(at, bytes, access);
  }
  absl::Status Discard(uint8_t* at, uint64_t bytes) override {
    if (Fails(MemoryCall::kDiscard)) return Failure(MemoryCall::kDiscard);
    return kernel_.Discard(at, bytes);
  }
  absl::Status Advise(uint8_t* at, uint64_t bytes, int advice) override {
    if (Fails(MemoryCall::kAdvise)) return Failure(MemoryCall::kAdvise);
    return kernel_.Advise(at, bytes, advice);
  }
  absl::Status Truncate(int fd, uint64_t bytes) override {
    if (Fails(MemoryCall::kTruncate)) return Failure(MemoryCall::kTruncate);
    return kernel_.Truncate(fd, bytes);
  }
  absl::StatusOr<UniqueFd> CreateFile(const char* name) override {
    if (Fails(MemoryCall::kCreateFile)) return Failure(MemoryCall::kCreateFile);
    return kernel_.CreateFile(name);
  }
  absl::StatusOr<UniqueFd> CreateSealedFile(const char* name, uint64_t bytes,
                                            absl::Span<const FileExtent> extents) override {
    if (Fails(MemoryCall::kCreateSealedFile)) return Failure(MemoryCall::kCreateSealedFile);
    return kernel_.CreateSealedFile(name, bytes, extents);
  }
  void Unmap(uint8_t* at, uint64_t bytes) override { kernel_.Unmap(at, bytes); }
  MemoryCallCounts Counts() const override { return kernel_.Counts(); }

 private:
  bool Fails(MemoryCall call) {
    bool fails = always_.contains(call);
    if (next_ == call) {
      next_.reset();
      fails = true;
    }
    if (countdown_.has_value() && (*countdown_)-- == 0) {
      countdown_.reset();
      fails = true;
    }
    if (fails) ++failures_;
    return fails;
  }
  absl::Status Failure(MemoryCall call) {
    errno = error_;
    return SyscallError(NameOf(call), "ordered by a test");
  }

  KernelMemoryOps kernel_;
  std::optional<MemoryCall> next_;
  std::optional<uint64_t> countdown_;
  std::set<MemoryCall> always_;
  int error_ = ENOMEM;
  uint64_t failures_ = 0;
};

}  // namespace tidepool::pool
