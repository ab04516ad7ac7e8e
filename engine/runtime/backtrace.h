// From raw return addresses to frames that people can read.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/runtime/trap.h"

namespace tidepool::engine {

// The frame of the call whose return address this is; nothing when it is not code of a loaded
// module.  The module must stay loaded meanwhile: a store on whose stack it was found sees to that.
std::optional<BacktraceFrame> FrameOf(uintptr_t return_address);

}  // namespace tidepool::engine
