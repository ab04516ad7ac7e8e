#include "daemon/cli/utf8.h"

#include <cstdint>

namespace tidepool::daemon {

bool IsUtf8(absl::string_view bytes) {
  for (size_t i = 0; i < bytes.size();) {
    const auto byte = static_cast<uint8_t>(bytes[i++]);
    if (byte < 0x80) continue;
    const int more = byte >= 0xC2 && byte < 0xE0   ? 1
                     : byte >= 0xE0 && byte < 0xF0 ? 2
                     : byte >= 0xF0 && byte < 0xF5 ? 3
                                                   : 0;
    if (more == 0) return false;
    uint32_t point = byte & (0x3F >> more);
    for (int k = 0; k < more; ++k, ++i) {
      if (i == bytes.size() || (static_cast<uint8_t>(bytes[i]) & 0xC0) != 0x80) return false;
      point = point << 6 | (static_cast<uint8_t>(bytes[i]) & 0x3F);
    }
    const uint32_t least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
    if (point < least || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return false;
  }
  return true;
}

}  // namespace tidepool::daemon
