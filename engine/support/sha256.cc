#include "engine/support/sha256.h"

#include <openssl/evp.h>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "engine/support/check.h"

namespace tidepool {

Sha256Digest Sha256(absl::Span<const uint8_t> bytes) {
  Sha256Digest digest{};
  unsigned int digest_bytes = 0;
  const int done =
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &digest_bytes, EVP_sha256(), nullptr);
  TP_CHECK(done == 1 && digest_bytes == digest.size());
  return digest;
}

std::string HexOf(const Sha256Digest& digest) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

}  // namespace tidepool
