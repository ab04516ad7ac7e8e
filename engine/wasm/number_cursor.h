// NumberCursor reads the numbers that code consists of, as fast as their bytes allow.
//
// Shape    kChecked: for bytes nobody has seen; every read is bounded and strict about encodings.
//          Otherwise: for bytes of a ValidatedModule; nothing is checked again.
// Life     Good until a read does not fit (kChecked only); then failure() names what was wrong,
//          and every later read gives 0.  One look behind a run of reads suffices.
// Threads  One thread at a time.  The bytes must outlive the cursor.
// Source   wasm core 5.2.
#pragma once

#include <cstdint>
#include <cstring>

#include "absl/types/span.h"

#include "engine/support/leb128.h"

namespace tidepool::engine::wasm {

namespace number_cursor_internal {

// Kept out of line and free of the cursor, so that the cursor stays in registers.
template <int kBits>
__attribute__((noinline)) inline const uint8_t* LongUnsigned(const uint8_t* at,
                                                             const uint8_t* end,
                                                             uint64_t* value) {
  return ReadUnsignedLeb128<kBits>(at, end, value);
}
template <int kBits>
__attribute__((noinline)) inline const uint8_t* LongSigned(const uint8_t* at,
                                                           const uint8_t* end,
                                                           int64_t* value) {
  return ReadSignedLeb128<kBits>(at, end, value);
}

}  // namespace number_cursor_internal

// What loops over operators read most is always inlined: one call that takes the cursor's address
// would keep it in memory for the whole loop.
template <bool kChecked>
class NumberCursor {
 public:
  explicit NumberCursor(absl::Span<const uint8_t> bytes)
      : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}

  bool at_end() const { return at_ == end_; }
  uint32_t offset() const { return static_cast<uint32_t>(at_ - begin_); }
  const uint8_t* position() const { return at_; }
  const uint8_t* end() const { return end_; }
  bool failed() const { return kChecked && failure_ != nullptr; }
  // Null if nothing failed.
  const char* failure() const { return failure_; }

  // The next byte, which stays; 0 after a failure.
  [[gnu::always_inline]] uint8_t Peek() {
    if (kChecked && at_ == end_) return static_cast<uint8_t>(Fail("unexpected end"));
    return *at_;
  }
  [[gnu::always_inline]] uint8_t U8() {
    if (kChecked && at_ == end_) return static_cast<uint8_t>(Fail("unexpected end"));
    return *at_++;
  }
  [[gnu::always_inline]] uint32_t VarU32() { return static_cast<uint32_t>(Unsigned<32>()); }
  [[gnu::always_inline]] uint64_t VarU64() { return Unsigned<64>(); }
  [[gnu::always_inline]] int32_t VarS32() { return static_cast<int32_t>(Signed<32>()); }
  [[gnu::always_inline]] int64_t VarS33() { return Signed<33>(); }
  [[gnu::always_inline]] int64_t VarS64() { return Signed<64>(); }
  template <typename T>
  [[gnu::always_inline]] T Fixed() {
    T value{};
    if (kChecked && static_cast<size_t>(end_ - at_) < sizeof(T)) {
      Fail("unexpected end");
      return value;
    }
    std::memcpy(&value, at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  // In place; null after a failure.
  [[gnu::always_inline]] const uint8_t* Skip(size_t count) {
    if (kChecked && static_cast<size_t>(end_ - at_) < count) {
      Fail("unexpected end");
      return nullptr;
    }
    const uint8_t* at = at_;
    at_ += count;
    return at;
  }

  // Remembers the first failure only.
  [[gnu::always_inline]] uint32_t Fail(const char* what) {
    if (kChecked && failure_ == nullptr) {
      failure_ = what;
      end_ = at_;
    }
    return 0;
  }

 private:
  template <int kBits>
  [[gnu::always_inline]] uint64_t Unsigned() {
    if (kChecked && at_ == end_) return Fail("unexpected end");
    if (__builtin_expect(*at_ < 0x80, 1)) return *at_++;
    if constexpr (kChecked) {
      uint64_t value = 0;
      const uint8_t* next = number_cursor_internal::LongUnsigned<kBits>(at_, end_, &value);
      if (next == nullptr) return Fail("malformed unsigned LEB128 number");
      at_ = next;
      return value;
    } else {
      uint64_t value = 0;
      for (int shift = 0;; shift += 7) {
        const uint8_t byte = *at_++;
        value |= static_cast<uint64_t>(byte & 0x7F) << shift;
        if (byte < 0x80) return value;
      }
    }
  }

  template <int kBits>
  [[gnu::always_inline]] int64_t Signed() {
    if (kChecked && at_ == end_) return Fail("unexpected end");
    if (__builtin_expect(*at_ < 0x80, 1)) return static_cast<int8_t>(*at_++ << 1) >> 1;
    if constexpr (kChecked) {
      int64_t value = 0;
      const uint8_t* next = number_cursor_internal::LongSigned<kBits>(at_, end_, &value);
      if (next == nullptr) return Fail("malformed signed LEB128 number");
      at_ = next;
      return value;
    } else {
      uint64_t value = 0;
      int shift = 0;
      uint8_t byte = 0;
      do {
        byte = *at_++;
        value |= static_cast<uint64_t>(byte & 0x7F) << shift;
        shift += 7;
      } while (byte >= 0x80);
      if (shift < 64 && (byte & 0x40) != 0) value |= ~uint64_t{0} << shift;
      return static_cast<int64_t>(value);
    }
  }

  const uint8_t* begin_;
  const uint8_t* at_;
  const uint8_t* end_;
  const char* failure_ = nullptr;
};

}  // namespace tidepool::engine::wasm
