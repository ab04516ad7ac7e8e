// The options a module is compiled with; kept in the artifact, part of its identity.
#pragma once

#include <cstdint>

#include "engine/abi/guard_reach.h"
#include "engine/platform/cpu_features.h"
#include "engine/wasm/features.h"

namespace tidepool::engine {

enum class Tier : uint8_t { kBaseline, kOptimized };
enum class Bounds : uint8_t { kGuard, kExplicit };

struct CompileOptions {
  Tier tier = Tier::kBaseline;
  // kGuard relies on guard_reach_bytes of faulting address space behind each 32-bit memory's base.
  Bounds bounds = Bounds::kGuard;
  uint32_t padding_bytes = 0;  // Between functions: forces far branches in tests.
  bool address_map = true;
  bool names = true;
  uint32_t threads = 1;        // Does not change the result.
  CpuFeatureSet cpu_features;  // May be used; recorded.
  wasm::Features wasm_features;
};

}  // namespace tidepool::engine
