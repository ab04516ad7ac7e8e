// CodeBuffer: bytes of machine code, growing.
//
// Shape    Writers ask for room once per instruction (Room), write through the pointer, and say
//          where they ended (SetEnd): one compare per instruction, none per byte.
// Life     Clear keeps the memory: one buffer serves function after function.
// Threads  One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

namespace tidepool::engine::x64 {

class CodeBuffer {
 public:
  // An instruction is at most 15 bytes; whole words may be written at once.
  static constexpr size_t kRoomBytes = 32;

  CodeBuffer() = default;
  CodeBuffer(const CodeBuffer&) = delete;
  CodeBuffer& operator=(const CodeBuffer&) = delete;

  // At least kRoomBytes may be written from here on.
  uint8_t* Room() {
    if (__builtin_expect(at_ >= limit_, 0)) Grow(kRoomBytes);
    return at_;
  }
  void SetEnd(uint8_t* end) { at_ = end; }

  // Only asks for memory early.
  void Reserve(size_t bytes) { Grow(bytes); }
  // For bytes in bulk.
  uint8_t* Extend(size_t bytes);

  uint8_t* data() { return begin_.get(); }
  const uint8_t* data() const { return begin_.get(); }
  uint32_t bytes() const { return static_cast<uint32_t>(at_ - begin_.get()); }
  void Clear() { at_ = begin_.get(); }

 private:
  // To twice what is used, or more, so that copies stay linear in the final size.
  void Grow(size_t room_bytes);

  std::unique_ptr<uint8_t[]> begin_;
  uint8_t* at_ = nullptr;
  uint8_t* limit_ = nullptr;  // kRoomBytes before the end of the allocation.
};

}  // namespace tidepool::engine::x64
