// kAbiVersion names everything that machine code, artifacts and the runtime agree on: VmContext,
// ThreadControl, calling convention, trap codes, builtins, artifact sections.  Raise it on any
// change in engine/abi or engine/artifact/sections.h; older artifacts are then compiled again.
#pragma once

#include <cstdint>

namespace tidepool::engine::abi {

inline constexpr uint32_t kAbiVersion = 1;

}  // namespace tidepool::engine::abi
