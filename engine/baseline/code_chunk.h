// CodeChunk: the code of a run of functions, with offsets from its own start.
//
// Chunks are filled independently (by several threads, perhaps) and then joined in order.  Code
// inside a function is position-independent; calls between functions wait in `calls` until all
// functions have a place.
//
// Threads  One thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/compiler/compiled_module.h"
#include "engine/wasm/types.h"
#include "engine/x64/code_buffer.h"

namespace tidepool::engine::baseline {

// A rel32 field that is to reach a defined function's entry.
struct CallSite {
  uint32_t field_offset = 0;
  wasm::FunctionIndex callee{};
};

struct CodeChunk {
  x64::CodeBuffer text;
  std::vector<CompiledFunction> functions;
  std::vector<TrapSite> trap_sites;
  std::vector<AddressMapEntry> address_map;
  std::vector<CallSite> calls;
};

}  // namespace tidepool::engine::baseline
