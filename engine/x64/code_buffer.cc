#include "engine/x64/code_buffer.h"

#include <algorithm>

namespace tidepool::engine::x64 {

uint8_t* CodeBuffer::Extend(size_t bytes) {
  if (at_ == nullptr || static_cast<size_t>(limit_ - at_) < bytes) Grow(bytes + kRoomBytes);
  uint8_t* const from = at_;
  at_ += bytes;
  return from;
}

void CodeBuffer::Grow(size_t room_bytes) {
  constexpr size_t kFirstBytes = 16 * 1024;
  const size_t used = at_ == nullptr ? 0 : static_cast<size_t>(at_ - begin_.get());
  const size_t capacity = std::max(kFirstBytes, 2 * used + room_bytes + kRoomBytes);
  std::unique_ptr<uint8_t[]> grown(new uint8_t[capacity]);
  if (used != 0) std::memcpy(grown.get(), begin_.get(), used);
  begin_ = std::move(grown);
  at_ = begin_.get() + used;
  limit_ = begin_.get() + capacity - kRoomBytes;
}

}  // namespace tidepool::engine::x64
