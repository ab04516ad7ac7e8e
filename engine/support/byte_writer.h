// ByteWriter appends little-endian values to a growing buffer.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tidepool {

class ByteWriter {
 public:
  size_t offset() const { return bytes_.size(); }
  absl::Span<const uint8_t> bytes() const { return bytes_; }
  std::vector<uint8_t> Take() && { return std::move(bytes_); }

  void U8(uint8_t value) { bytes_.push_back(value); }
  template <typename T>
  void Fixed(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const size_t at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    std::memcpy(bytes_.data() + at, &value, sizeof(T));
  }
  void VarU64(uint64_t value) {
    do {
      uint8_t byte = value & 0x7F;
      value >>= 7;
      if (value != 0) byte |= 0x80;
      bytes_.push_back(byte);
    } while (value != 0);
  }
  void VarS64(int64_t value) {
    for (;;) {
      const uint8_t byte = value & 0x7F;
      value >>= 7;
      const bool last = (value == 0 && (byte & 0x40) == 0) || (value == -1 && (byte & 0x40) != 0);
      bytes_.push_back(last ? byte : static_cast<uint8_t>(byte | 0x80));
      if (last) return;
    }
  }
  void Bytes(absl::Span<const uint8_t> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  void Text(absl::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); }
  // Appends zeros until the offset is a multiple of `alignment`, a power of two.
  void Align(size_t alignment) { bytes_.resize((bytes_.size() + alignment - 1) & ~(alignment - 1)); }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace tidepool
