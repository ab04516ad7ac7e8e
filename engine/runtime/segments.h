// Copying segments into tables and memories: the same for instantiation (active segments) and for the
// operators table.init and memory.init.
//
// Bounds are checked before anything is written; then it is written in pieces, with a look at the
// control word between (interrupt.h): after a trap each element is either written or not.
//
// Threads  The store's, with an activation current.
// Source   wasm core 4.4.6.7 (table.init), 4.4.7.8 (memory.init).
#pragma once

#include <cstdint>

#include "engine/abi/trap_code.h"
#include "engine/runtime/state_view.h"

namespace tidepool::engine {

struct TableInit {
  uint32_t table;
  uint32_t segment;
  uint64_t to;
  uint64_t from;
  uint64_t count;
};
TrapCode InitTable(const StateView& state, const TableInit& init);

struct MemoryInit {
  uint32_t memory;
  uint32_t segment;
  uint64_t to;
  uint64_t from;
  uint64_t bytes;
};
TrapCode InitMemory(const StateView& state, const MemoryInit& init);

// Whether [at, at + count) lies in [0, size), without overflow.
inline bool InBounds(uint64_t at, uint64_t count, uint64_t size) {
  return count <= size && at <= size - count;
}

}  // namespace tidepool::engine
