// SHA-256 (FIPS 180-4), by OpenSSL, which uses the CPU's instructions for it where it has them.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "absl/types/span.h"

namespace tidepool {

using Sha256Digest = std::array<uint8_t, 32>;

Sha256Digest Sha256(absl::Span<const uint8_t> bytes);
// 64 lower-case hexadecimal digits.
std::string HexOf(const Sha256Digest& digest);

}  // namespace tidepool
