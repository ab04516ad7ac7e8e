// proc_exit, proc_raise, sched_yield.
#include "engine/wasi/functions.h"

namespace tidepool::engine::wasi {

Errno ProcExit(Call& call, uint32_t code) {
  call.context.set_exit_code(code);
  call.trap = TrapCode::kExit;
  return Errno::kSuccess;
}

// A signal would reach the host's process, which is not the guest's.
Errno ProcRaise(Call& /*call*/, uint32_t /*signal*/) {
  return Errno::kNosys;
}

Errno SchedYield(Call& call) {
  call.trap = call.context.host().Yield();
  return Errno::kSuccess;
}

}  // namespace tidepool::engine::wasi
