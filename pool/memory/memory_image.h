// MemoryImage: what a linear memory holds before its instance runs.
//
//   0                                                    initial_bytes
//   │ extent │ zeros (holes of the file) │ extent │ zeros │
//
// A sealed memfd as long as the initial memory: nobody can write, shrink or grow it, so every slot
// that maps it privately starts from the same bytes, for ever.  Sparse: its cost follows the bytes
// that are present.  A memory without any has no file; its slots map anonymous zeros.
//
// Units    Bytes.  initial_bytes is rounded up to the host page in the file.
// Life     Made at a module's first instantiation; shared by the slots that hold it; gone with the
//          last of them.
// Threads  Immutable.
// Errors   InvalidArgument: an extent that is unaligned, out of order or beyond the memory (an
//          artifact is not trusted here).  ResourceExhausted: no memory or descriptor.
// Source   memfd_create(2), fcntl(2) F_ADD_SEALS.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/platform/mapped_region.h"
#include "engine/platform/unique_fd.h"
#include "pool/memory/memory_ops.h"

namespace tidepool::pool {

struct ImageExtent {
  uint64_t offset_bytes = 0;        // A multiple of the host page.
  absl::Span<const uint8_t> bytes;  // The last page of an extent may be cut short: zeros follow.
};

class MemoryImage {
 public:
  // `extents` ascending, not overlapping; their bytes are copied.
  static absl::StatusOr<std::shared_ptr<const MemoryImage>> Create(
      MemoryOps& ops, uint64_t initial_bytes, absl::Span<const ImageExtent> extents);
  MemoryImage(const MemoryImage&) = delete;
  MemoryImage& operator=(const MemoryImage&) = delete;

  uint64_t initial_bytes() const { return initial_bytes_; }
  uint64_t mapped_bytes() const { return mapped_bytes_; }    // initial_bytes in whole host pages.
  uint64_t present_bytes() const { return present_bytes_; }  // What it costs, in whole host pages.
  bool has_file() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }
  uint64_t inode() const { return inode_; }  // Of the file; 0 without one.
  // As created, over a read-only mapping of the file; whole pages.
  absl::Span<const ImageExtent> extents() const { return extents_; }

 private:
  MemoryImage() = default;
  uint64_t initial_bytes_ = 0;
  uint64_t mapped_bytes_ = 0;
  uint64_t present_bytes_ = 0;
  UniqueFd fd_;
  uint64_t inode_ = 0;
  MappedRegion source_;
  std::vector<ImageExtent> extents_;
};

}  // namespace tidepool::pool
