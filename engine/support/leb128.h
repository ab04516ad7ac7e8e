// LEB128 (wasm core 5.2.2): the decoder's inner loop, so inline.
//
// Errors   nullptr: the number is cut off by `end`, longer than ceil(bits / 7) bytes, or its last
//          byte carries bits beyond `bits`.
#pragma once

#include <cstdint>

namespace tidepool {

// Reads an unsigned number of at most `kBits` bits; returns the byte behind it.
template <int kBits>
inline const uint8_t* ReadUnsignedLeb128(const uint8_t* at, const uint8_t* end, uint64_t* value) {
  uint64_t result = 0;
  for (int shift = 0; shift < kBits; shift += 7) {
    if (at == end) return nullptr;
    const uint8_t byte = *at++;
    result |= static_cast<uint64_t>(byte & 0x7F) << shift;
    const int left = kBits - shift;
    if (left <= 7) {
      // Last byte allowed: no continuation, no bit beyond kBits.
      if ((byte & 0x80) != 0 || (left < 7 && (byte >> left) != 0)) return nullptr;
      break;
    }
    if ((byte & 0x80) == 0) break;
  }
  *value = result;
  return at;
}

// Reads a signed number of at most `kBits` bits, sign-extended to 64.
template <int kBits>
inline const uint8_t* ReadSignedLeb128(const uint8_t* at, const uint8_t* end, int64_t* value) {
  uint64_t result = 0;
  for (int shift = 0; shift < kBits; shift += 7) {
    if (at == end) return nullptr;
    const uint8_t byte = *at++;
    result |= static_cast<uint64_t>(byte & 0x7F) << shift;
    const int left = kBits - shift;
    if (left <= 7) {
      if ((byte & 0x80) != 0) return nullptr;
      if (left < 7) {
        // The unused bits must all equal the sign bit.
        const uint8_t sign_and_unused = static_cast<uint8_t>((byte & 0x7F) >> (left - 1));
        if (sign_and_unused != 0 && sign_and_unused != (0x7F >> (left - 1))) return nullptr;
      }
    }
    if ((byte & 0x80) == 0) {
      const int used = shift + 7;
      if (used < 64 && (byte & 0x40) != 0) result |= ~uint64_t{0} << used;
      break;
    }
  }
  *value = static_cast<int64_t>(result);
  return at;
}

}  // namespace tidepool
