// random_get: as much as fits the guest's own memory, in pieces.
#include <algorithm>
#include <cstring>

#include "engine/wasi/functions.h"

namespace tidepool::engine::wasi {

Errno RandomGet(Call& call, Pointer buffer, uint32_t bytes) {
  auto rest = call.memory.Bytes(buffer, bytes);
  if (!rest.has_value()) return Errno::kFault;
  const absl::Span<uint8_t> bounce = call.context.bounce_buffer();
  while (!rest->empty()) {
    const size_t count = std::min(rest->size(), bounce.size());
    const Errno error = call.context.host().FillRandom(bounce.first(count));
    if (error != Errno::kSuccess) return error;
    std::memcpy(rest->data(), bounce.data(), count);
    rest->remove_prefix(count);
    if (!rest->empty() && call.Interrupted()) return Errno::kIntr;
  }
  return Errno::kSuccess;
}

}  // namespace tidepool::engine::wasi
