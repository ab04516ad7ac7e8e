// How far machine code with guard pages can reach: the promise that compiler, pool and trap handler
// share.
#pragma once

#include <cstdint>

namespace tidepool::engine {

// With Bounds::kGuard: base + index + offset + access never passes base + this, or is checked.
inline constexpr uint64_t kGuardReachBytes = (uint64_t{4} << 30) + (uint64_t{32} << 20);

}  // namespace tidepool::engine
