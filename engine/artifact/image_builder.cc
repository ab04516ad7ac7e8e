#include "engine/artifact/image_builder.h"

#include <algorithm>
#include <cstring>

#include "engine/support/check.h"
#include "engine/support/units.h"

namespace tidepool::engine {
namespace {

// One byte per page makes an image 4096 times its module; a hundred thousand such segments would be
// 400 MB.  Beyond this the segments stay segments, applied at instantiation.
constexpr uint64_t ImageBytesMax(uint64_t module_bytes) { return 4 * module_bytes + 4 * kMiB; }

// True when [offset, offset + count) ends at or before `bound`.
bool InBounds(uint64_t offset, uint64_t count, uint64_t bound) {
  return count <= bound && offset <= bound - count;
}

uint64_t MinBytes(const wasm::MemoryType& type) {
  const uint64_t pages = type.limits.min;
  const uint64_t pages_max = UINT64_MAX >> type.page_bytes_log2;
  return pages > pages_max ? UINT64_MAX : pages << type.page_bytes_log2;
}

bool HasOnlyFunctions(const wasm::ElementSegment& segment) {
  if (!segment.has_expressions) return true;
  uint32_t function;
  return std::all_of(segment.expressions.begin(), segment.expressions.end(),
                     [&function](const wasm::ConstantExpression& expression) {
                       return ConstantFunction(expression, &function);
                     });
}

}  // namespace

bool ConstantOffset(const wasm::ConstantExpression& expression, uint64_t* value) {
  switch (expression.form) {
    case wasm::ConstantExpression::Form::kI32:
      *value = static_cast<uint32_t>(expression.value);
      return true;
    case wasm::ConstantExpression::Form::kI64: *value = expression.value; return true;
    default: return false;
  }
}

bool ConstantFunction(const wasm::ConstantExpression& expression, uint32_t* function) {
  switch (expression.form) {
    case wasm::ConstantExpression::Form::kRefNull: *function = UINT32_MAX; return true;
    case wasm::ConstantExpression::Form::kRefFunc: *function = expression.index; return true;
    default: return false;
  }
}

InstanceImagePlan::InstanceImagePlan(const wasm::Module& module) : module_(module) {
  PlanElements();
  // Data follow elements: nothing of them may be applied before an element segment that may trap.
  if (elements_end_ == module_.elements.size()) PlanData();
  MergeExtents();
}

bool InstanceImagePlan::HoldsElement(uint32_t segment) const {
  return segment < elements_end_ && module_.elements[segment].mode == wasm::SegmentMode::kActive;
}

bool InstanceImagePlan::HoldsData(uint32_t segment) const {
  return segment < data_end_ && module_.data[segment].mode == wasm::SegmentMode::kActive;
}

void InstanceImagePlan::PlanElements() {
  for (const wasm::ElementSegment& segment : module_.elements) {
    if (segment.mode == wasm::SegmentMode::kActive) {
      const uint32_t table = ToInt(segment.table);
      uint64_t offset;
      if (table < module_.imported_table_count) return;
      if (!ConstantOffset(segment.offset, &offset)) return;
      if (!InBounds(offset, segment.count(), module_.tables[table].type.limits.min)) return;
      if (!HasOnlyFunctions(segment)) return;
    }
    ++elements_end_;
  }
}

void InstanceImagePlan::PlanData() {
  const uint64_t image_bytes_max = ImageBytesMax(module_.bytes.size());
  uint64_t bytes_at_most = 0;
  for (const wasm::DataSegment& segment : module_.data) {
    if (segment.mode == wasm::SegmentMode::kActive) {
      const uint32_t memory = ToInt(segment.memory);
      uint64_t offset;
      if (memory < module_.imported_memory_count) return;
      if (!ConstantOffset(segment.offset, &offset)) return;
      const uint64_t bytes_count = segment.bytes.size();
      if (!InBounds(offset, bytes_count, MinBytes(module_.memories[memory].type))) return;
      if (bytes_count != 0) {
        const uint32_t ordinal = memory - module_.imported_memory_count;
        const uint64_t begin = RoundDown(offset, kHostPageBytes);
        const uint64_t end = RoundUp(offset + bytes_count, kHostPageBytes);
        // Compilers emit segments in ascending order, many to a page: extend the last extent.
        Extent* last = extents_.empty() ? nullptr : &extents_.back();
        const bool extends = last != nullptr && last->memory == ordinal &&
                             begin >= last->offset_bytes &&
                             begin <= last->offset_bytes + last->bytes_count;
        const uint64_t last_end = extends ? last->offset_bytes + last->bytes_count : begin;
        bytes_at_most += end > last_end ? end - last_end : 0;
        if (bytes_at_most > image_bytes_max) return;
        if (extends) {
          last->bytes_count = std::max(end, last_end) - last->offset_bytes;
        } else {
          extents_.push_back({ordinal, begin, end - begin, 0});
        }
      }
    }
    ++data_end_;
  }
}

void InstanceImagePlan::MergeExtents() {
  std::sort(extents_.begin(), extents_.end(), [](const Extent& a, const Extent& b) {
    return a.memory != b.memory ? a.memory < b.memory : a.offset_bytes < b.offset_bytes;
  });
  size_t merged = 0;
  for (const Extent& extent : extents_) {
    if (merged != 0) {
      Extent& last = extents_[merged - 1];
      const uint64_t last_end = last.offset_bytes + last.bytes_count;
      if (last.memory == extent.memory && extent.offset_bytes <= last_end) {
        const uint64_t end = std::max(last_end, extent.offset_bytes + extent.bytes_count);
        last.bytes_count = end - last.offset_bytes;
        continue;
      }
    }
    extents_[merged++] = extent;
  }
  extents_.resize(merged);
  for (Extent& extent : extents_) {
    extent.image_offset_bytes = image_bytes_;
    image_bytes_ += extent.bytes_count;
  }
}

const InstanceImagePlan::Extent& InstanceImagePlan::ExtentOf(uint32_t memory,
                                                             uint64_t offset_bytes) const {
  const auto behind = std::upper_bound(
      extents_.begin(), extents_.end(), std::make_pair(memory, offset_bytes),
      [](const std::pair<uint32_t, uint64_t>& wanted, const Extent& extent) {
        return wanted < std::make_pair(extent.memory, extent.offset_bytes);
      });
  TP_CHECK(behind != extents_.begin());
  return *(behind - 1);
}

void InstanceImagePlan::WriteImage(absl::Span<uint8_t> out) const {
  TP_CHECK(out.size() == image_bytes_);
  for (uint32_t i = 0; i < data_end_; ++i) {
    const wasm::DataSegment& segment = module_.data[i];
    uint64_t offset;
    if (!HoldsData(i) || segment.bytes.empty() || !ConstantOffset(segment.offset, &offset)) continue;
    const Extent& extent = ExtentOf(ToInt(segment.memory) - module_.imported_memory_count, offset);
    const uint64_t at = extent.image_offset_bytes + (offset - extent.offset_bytes);
    // In module order: where segments overlap, the later one wins.
    std::memcpy(out.subspan(at, segment.bytes.size()).data(), segment.bytes.data(),
                segment.bytes.size());
  }
}

}  // namespace tidepool::engine
