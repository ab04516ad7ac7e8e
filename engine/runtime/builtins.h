// Builtins: what machine code asks of the runtime (engine/abi/builtins.def).
//
// Shape    The functions below do the work and return an Outcome; a generated entry per row raises its
//          trap, in a frame that owns nothing (builtins.cc).
// Threads  The store's, called from guest code.
#pragma once

#include <cstdint>

#include "engine/abi/thread_control.h"
#include "engine/abi/trap_code.h"
#include "engine/abi/vm_context.h"

namespace tidepool::engine {

template <typename Result>
struct Outcome {
  Result value{};
  TrapCode trap = TrapCode::kNone;
};
template <>
struct Outcome<void> {
  TrapCode trap = TrapCode::kNone;
};

namespace builtins {

using abi::VmContext;

#define TP_BUILTIN(name, result, parameters) Outcome<result> name parameters;
#include "engine/abi/builtins.def"
#undef TP_BUILTIN

}  // namespace builtins

// Enters all of them into a thread's control block.
void FillBuiltins(abi::ThreadControl& control);

}  // namespace tidepool::engine
