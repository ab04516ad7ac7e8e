// MappedRegion owns one mapping and unmaps it exactly once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace tidepool {

class [[nodiscard]] MappedRegion {
 public:
  MappedRegion() = default;
  // Adopts [base, base + bytes), which came from mmap(2).
  MappedRegion(uint8_t* base, size_t bytes) : base_(base), bytes_(bytes) {}
  MappedRegion(MappedRegion&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  MappedRegion& operator=(MappedRegion&& other) noexcept {
    MappedRegion(std::move(other)).swap(*this);
    return *this;
  }
  ~MappedRegion();

  // mmap(2) of anonymous private memory; `protection` as there.
  static absl::StatusOr<MappedRegion> Anonymous(size_t bytes, int protection);
  // mmap(2) of the first `bytes` of a file, read-only and private.
  static absl::StatusOr<MappedRegion> File(int fd, size_t bytes);

  uint8_t* base() const { return base_; }
  size_t bytes() const { return bytes_; }
  bool valid() const { return base_ != nullptr; }
  absl::Span<const uint8_t> span() const { return {base_, bytes_}; }
  void swap(MappedRegion& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(bytes_, other.bytes_);
  }

 private:
  uint8_t* base_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace tidepool
