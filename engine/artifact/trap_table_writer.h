// EncodeTrapTable: what TrapTable reads.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/compiler/compiled_module.h"

namespace tidepool::engine {

// Sites and ranges must be sorted, ranges apart from each other.  Ranges of one code with nothing
// but alignment between them become one.
std::vector<uint8_t> EncodeTrapTable(const CompiledModule& compiled);

}  // namespace tidepool::engine
