// Sizes that have names, and the one rounding everybody needs.
#pragma once

#include <cstdint>

namespace tidepool {

inline constexpr uint64_t kKiB = uint64_t{1} << 10;
inline constexpr uint64_t kMiB = uint64_t{1} << 20;
inline constexpr uint64_t kGiB = uint64_t{1} << 30;

inline constexpr uint64_t kWasmPageBytes = 64 * kKiB;  // wasm core 4.2.8, default page size.
inline constexpr uint64_t kHostPageBytes = 4 * kKiB;   // x86-64.

// `alignment` is a power of two; `value` at most 2^64 - alignment.
constexpr uint64_t RoundUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}
constexpr uint64_t RoundDown(uint64_t value, uint64_t alignment) { return value & ~(alignment - 1); }
constexpr bool IsAligned(uint64_t value, uint64_t alignment) { return (value & (alignment - 1)) == 0; }

}  // namespace tidepool
