// Base64 (RFC 4648, padded), as the scripts carry modules.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace tidepool::spec {

// Nothing when `text` is not base64.
std::optional<std::vector<uint8_t>> DecodeBase64(std::string_view text);

}  // namespace tidepool::spec
