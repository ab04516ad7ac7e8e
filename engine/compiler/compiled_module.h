// CompiledModule: what a backend makes of a validated module, before it becomes a file.
//
// Shape    One text for all functions, position-independent, with calls inside it resolved: it
//          needs no relocation at load.  Everything else is tables over offsets in that text,
//          sorted by them.
// Threads  Immutable once made.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/abi/trap_code.h"

namespace tidepool::engine {

// One defined function, in order of function index.
struct CompiledFunction {
  uint32_t text_offset = 0;
  uint32_t text_bytes = 0;
};

// An instruction that may fault on a guard page, and the trap such a fault is.
struct TrapSite {
  uint32_t text_offset = 0;  // Of the first byte of the instruction.
  TrapCode code = TrapCode::kNone;
};

// A stretch of text (usually whole functions) in which any access may fault: much smaller than a
// site for each access, and as safe, since the fault's address must lie in the store's memory too.
struct TrapRange {
  uint32_t text_offset = 0;
  uint32_t text_bytes = 0;
  TrapCode code = TrapCode::kNone;
};

// From text_offset on (until the next entry) the code belongs to the wasm instruction there.
struct AddressMapEntry {
  uint32_t text_offset = 0;
  uint32_t wasm_offset = 0;  // Byte offset in the module.
};

struct CompiledModule {
  std::vector<uint8_t> text;
  std::vector<CompiledFunction> functions;  // One per defined function.
  std::vector<TrapSite> trap_sites;
  std::vector<TrapRange> trap_ranges;       // Apart from each other; a site inside one wins.
  std::vector<AddressMapEntry> address_map;  // Empty when the option is off.
};

}  // namespace tidepool::engine
