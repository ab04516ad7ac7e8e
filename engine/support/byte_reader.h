// ByteReader walks over bytes that nobody has checked yet.
//
// Life     Good until a read does not fit; then failed() stays true, every read gives 0 and the
//          position no longer moves.  So a run of reads needs one check at its end.
// Threads  One thread at a time.  The bytes must outlive the reader.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "engine/support/leb128.h"

namespace tidepool {

class ByteReader {
 public:
  explicit ByteReader(absl::Span<const uint8_t> bytes)
      : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}

  size_t offset() const { return static_cast<size_t>(at_ - begin_); }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  bool at_end() const { return at_ == end_; }
  bool failed() const { return failed_; }
  const uint8_t* position() const { return at_; }

  uint8_t U8() {
    if (at_ == end_) return Fail();
    return *at_++;
  }
  uint8_t PeekU8() { return at_ == end_ ? Fail() : *at_; }
  // A little-endian number or other trivially copyable value.
  template <typename T>
  T Fixed() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    if (remaining() < sizeof(T)) {
      Fail();
      return value;
    }
    std::memcpy(&value, at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  uint32_t VarU32() { return static_cast<uint32_t>(Unsigned<32>()); }
  uint64_t VarU64() { return Unsigned<64>(); }
  int32_t VarS32() { return static_cast<int32_t>(Signed<32>()); }
  int64_t VarS33() { return Signed<33>(); }
  int64_t VarS64() { return Signed<64>(); }
  absl::Span<const uint8_t> Bytes(size_t count) {
    if (remaining() < count) {
      Fail();
      return {};
    }
    const absl::Span<const uint8_t> bytes(at_, count);
    at_ += count;
    return bytes;
  }
  absl::string_view Text(size_t bytes_count) {
    const absl::Span<const uint8_t> bytes = Bytes(bytes_count);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

 private:
  uint8_t Fail() {
    failed_ = true;
    at_ = end_ = begin_ + offset();
    return 0;
  }
  template <int kBits>
  uint64_t Unsigned() {
    uint64_t value = 0;
    const uint8_t* next = ReadUnsignedLeb128<kBits>(at_, end_, &value);
    if (next == nullptr) return Fail();
    at_ = next;
    return value;
  }
  template <int kBits>
  int64_t Signed() {
    int64_t value = 0;
    const uint8_t* next = ReadSignedLeb128<kBits>(at_, end_, &value);
    if (next == nullptr) return Fail();
    at_ = next;
    return value;
  }

  const uint8_t* begin_;
  const uint8_t* at_;
  const uint8_t* end_;
  bool failed_ = false;
};

}  // namespace tidepool
