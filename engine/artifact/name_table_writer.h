// EncodeNameTable: what NameTable reads, from a module's name section.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/wasm/module.h"

namespace tidepool::engine {

// Empty without names.
std::vector<uint8_t> EncodeNameTable(const wasm::Module& module);

}  // namespace tidepool::engine
