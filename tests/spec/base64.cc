#include "tests/spec/base64.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace tidepool::spec {

std::optional<std::vector<uint8_t>> DecodeBase64(std::string_view text) {
  std::string bytes;
  if (!absl::Base64Unescape(absl::string_view(text.data(), text.size()), &bytes)) {
    return std::nullopt;
  }
  return std::vector<uint8_t>(bytes.begin(), bytes.end());
}

}  // namespace tidepool::spec
