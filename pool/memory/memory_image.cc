#include "pool/memory/memory_image.h"

#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "engine/platform/syscall_error.h"
#include "engine/support/status_macros.h"
#include "engine/support/units.h"

namespace tidepool::pool {
namespace {

constexpr char kImageName[] = "tidepool-image";  // What /proc/self/maps shows.

absl::Status CheckExtents(uint64_t initial_bytes, absl::Span<const ImageExtent> extents) {
  uint64_t end_bytes = 0;
  for (const ImageExtent& extent : extents) {
    uint64_t extent_end_bytes = 0;
    if (!IsAligned(extent.offset_bytes, kHostPageBytes) || extent.bytes.empty() ||
        extent.offset_bytes < end_bytes ||
        __builtin_add_overflow(extent.offset_bytes, extent.bytes.size(), &extent_end_bytes) ||
        extent_end_bytes > RoundUp(initial_bytes, kHostPageBytes)) {
      return absl::InvalidArgumentError(
          absl::StrCat("image extent at ", extent.offset_bytes, " of ", extent.bytes.size(),
                       " bytes does not fit a memory of ", initial_bytes,
                       " bytes behind the extent that ends at ", end_bytes));
    }
    end_bytes = RoundUp(extent_end_bytes, kHostPageBytes);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const MemoryImage>> MemoryImage::Create(
    MemoryOps& ops, uint64_t initial_bytes, absl::Span<const ImageExtent> extents) {
  if (initial_bytes > UINT64_MAX - kHostPageBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a memory of ", initial_bytes, " bytes"));
  }
  TP_RETURN_IF_ERROR(CheckExtents(initial_bytes, extents));
  std::shared_ptr<MemoryImage> image(new MemoryImage());
  image->initial_bytes_ = initial_bytes;
  image->mapped_bytes_ = RoundUp(initial_bytes, kHostPageBytes);
  if (extents.empty()) return std::shared_ptr<const MemoryImage>(std::move(image));

  std::vector<FileExtent> content;
  content.reserve(extents.size());
  for (const ImageExtent& extent : extents) content.push_back({extent.offset_bytes, extent.bytes});
  TP_ASSIGN_OR_RETURN(image->fd_, ops.CreateSealedFile(kImageName, image->mapped_bytes_, content));
  struct stat file{};
  if (::fstat(image->fd_.get(), &file) < 0) return SyscallError("fstat", kImageName);
  image->inode_ = file.st_ino;

  TP_ASSIGN_OR_RETURN(image->source_, MappedRegion::File(image->fd_.get(), image->mapped_bytes_));
  for (const ImageExtent& extent : extents) {
    const uint64_t bytes = RoundUp(extent.bytes.size(), kHostPageBytes);
    image->extents_.push_back(
        {extent.offset_bytes, image->source_.span().subspan(extent.offset_bytes, bytes)});
    image->present_bytes_ += bytes;
  }
  return std::shared_ptr<const MemoryImage>(std::move(image));
}

}  // namespace tidepool::pool
