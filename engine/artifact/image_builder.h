// InstanceImagePlan: which active segments become part of the instance image, and where their bytes
// lie in it.
//
// Rule     Segments are looked at in the order in which instantiation applies them: elements, then
//          data.  The image takes the longest run of which nothing could trap or depends on an
//          import: constant offset, in bounds of a memory or table that the module defines, entries
//          that are functions or null.  At the first other one imaging ends, for good.
// Cost     Follows the bytes present, never the span between them: a memory of 4 GiB with two
//          segments is two extents.  Segments far apart cost a page each; imaging also ends where
//          that would pass image_bytes_max.
// Threads  Immutable once made.  The module must outlive it.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "engine/wasm/module.h"

namespace tidepool::engine {

class InstanceImagePlan {
 public:
  // A run of whole host pages of a memory.
  struct Extent {
    uint32_t memory = 0;        // Ordinal among the defined ones.
    uint64_t offset_bytes = 0;  // In the memory.
    uint64_t bytes_count = 0;
    uint64_t image_offset_bytes = 0;
  };

  explicit InstanceImagePlan(const wasm::Module& module);

  // Segments of this mode are in the image if their index is below these.
  bool HoldsElement(uint32_t segment) const;
  bool HoldsData(uint32_t segment) const;
  // Sorted by memory and offset, apart from each other.
  const std::vector<Extent>& extents() const { return extents_; }
  uint64_t image_bytes() const { return image_bytes_; }
  // `out` is zeroed and has image_bytes.
  void WriteImage(absl::Span<uint8_t> out) const;

 private:
  void PlanElements();
  void PlanData();
  void MergeExtents();
  const Extent& ExtentOf(uint32_t memory, uint64_t offset_bytes) const;

  const wasm::Module& module_;
  uint32_t elements_end_ = 0;  // Segments before these are looked at and fine.
  uint32_t data_end_ = 0;
  std::vector<Extent> extents_;
  uint64_t image_bytes_ = 0;
};

// The value of a constant offset expression; false if it is known only at instantiation.
bool ConstantOffset(const wasm::ConstantExpression& expression, uint64_t* value);
// The function index of a constant reference (UINT32_MAX for null); false if it is another thing.
bool ConstantFunction(const wasm::ConstantExpression& expression, uint32_t* function);

}  // namespace tidepool::engine
