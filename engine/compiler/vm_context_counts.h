// From a validated module to what its VmContext holds.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/abi/vm_context.h"
#include "engine/wasm/module.h"

namespace tidepool::engine {

// The artifact may count fewer data segments (ModuleInfo::data): they come last in the layout, and
// no machine code looks at them.
abi::VmContextCounts CountsOf(const wasm::ValidatedModule& module);

// For each function of the index space: its ordinal among the escaping defined functions, or
// UINT32_MAX (imported, or never escapes).
std::vector<uint32_t> EscapeOrdinals(const wasm::ValidatedModule& module);

}  // namespace tidepool::engine
