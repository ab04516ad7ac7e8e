// ArtifactMeta: who made an artifact, for what, and with which options.
#pragma once

#include <cstdint>
#include <string>

#include "engine/compiler/compile_options.h"

namespace tidepool::engine {

struct ArtifactMeta {
  uint32_t abi_version = 0;
  std::string compiler_version;
  uint64_t file_bytes = 0;
  // As it was compiled, but for `threads`, which changes nothing in the file.
  // options.cpu_features is what a CPU needs to run it.
  CompileOptions options;
};

// Bits in the order of the members of wasm::Features, as artifacts record them.
uint32_t FeatureBits(const wasm::Features& features);
wasm::Features FeaturesOf(uint32_t bits);

}  // namespace tidepool::engine
