// What one tenant can make the catalogue keep, beside the limits that operators set.
#pragma once

#include <cstdint>

#include "engine/support/units.h"

namespace tidepool::daemon {

inline constexpr uint32_t kRevisionsPerFunctionMax = 1'000;
inline constexpr uint32_t kModulesPerTenantMax = 1'000;
inline constexpr uint32_t kHostsPerTenantMax = 1'000;
inline constexpr uint32_t kRoutesPerTenantMax = 1'000;
// Of a revision, with their terminators: well below what execve(2) takes.
inline constexpr uint64_t kArgsBytesMax = 64 * kKiB;
inline constexpr uint64_t kEnvBytesMax = 64 * kKiB;

}  // namespace tidepool::daemon
