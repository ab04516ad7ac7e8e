// What the slow path of a check does, for guest code and for long loops in C++ alike.
//
// Threads  The guest's own, with its activation current.
#pragma once

#include <cstdint>

#include "engine/abi/trap_code.h"

namespace tidepool::engine {

// Work of builtins between two looks at the control word: some 20 µs (memory) of uninterruptible
// time.
inline constexpr uint64_t kPieceBytes = 256 * 1024;

// Takes a pending request for attention, if there is one, to the activation's handler.  May switch
// fibers.  kNone: go on; anything else: trap with it.
TrapCode Attend();
// Attend, when the control word says so: one load otherwise.
TrapCode AttendIfWanted();

}  // namespace tidepool::engine
