// Strong ids of the pool.
#pragma once

#include <cstdint>

namespace tidepool::pool {

// Who owns what runs; given out by the daemon.  0 is no tenant.
enum class TenantId : uint64_t {};
inline constexpr TenantId kNoTenant{0};

// A place in the slab, 0-based.
enum class SlotIndex : uint32_t {};

}  // namespace tidepool::pool
