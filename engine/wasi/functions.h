// The functions of functions.def, and the Call that each is given.
#pragma once

#include <cstdint>

#include "engine/abi/trap_code.h"
#include "engine/wasi/abi.h"
#include "engine/wasi/context.h"
#include "engine/wasi/guest_memory.h"

namespace tidepool::engine::wasi {

using Pointer = uint32_t;  // An address in guest memory, not yet checked.

struct Call {
  WasiContext& context;
  GuestMemory memory;
  // Set by a function that ends the guest; its Errno then goes nowhere.
  TrapCode trap = TrapCode::kNone;

  // True: the guest must stop, and `trap` says why.  For between the pieces of long work.
  bool Interrupted() {
    trap = context.host().CheckInterrupt();
    return trap != TrapCode::kNone;
  }
};

#define TP_WASI(name, function, parameters) Errno function parameters;
#include "engine/wasi/functions.def"
#undef TP_WASI

}  // namespace tidepool::engine::wasi
