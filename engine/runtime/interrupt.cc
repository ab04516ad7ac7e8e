#include "engine/runtime/interrupt.h"

#include "engine/runtime/activation.h"
#include "engine/runtime/entry.h"
#include "engine/runtime/guest_thread.h"
#include "engine/runtime/transitions.h"

namespace tidepool::engine {

TrapCode Attend() {
  GuestThread& thread = GuestThread::Current();
  // A stale request (its fiber has been switched away from meanwhile): nothing to ask.
  if (!thread.TakeAttention()) return TrapCode::kNone;
  Activation& activation = *thread.current();
  if (activation.handler() == nullptr) return TrapCode::kNone;
  const TrapCode trap = activation.handler()->OnInterrupt();
  // The handler may have switched fibers.
  if (thread.current() != &activation) thread.Switch(&activation);
  return trap;
}

TrapCode AttendIfWanted() {
  return GuestThread::Current().attention_wanted() ? Attend() : TrapCode::kNone;
}

extern "C" uint32_t TidepoolOnStackCheck(uintptr_t lowest_stack_pointer) {
  const Activation& activation = *GuestThread::Current().current();
  const bool overflow = lowest_stack_pointer < activation.stack_limit();
  return static_cast<uint32_t>(overflow ? TrapCode::kStackOverflow : Attend());
}

// Not asked for the stack: a frame that needed no check (kUncheckedFrameBytes) may lie below the
// limit, and its loops come here at every turn.
extern "C" uint32_t TidepoolOnInterrupt() { return static_cast<uint32_t>(Attend()); }

extern "C" TP_UNINSTRUMENTED void TidepoolTrap(uint32_t code,
                                               uintptr_t fault_address,
                                               uintptr_t pc,
                                               uintptr_t frame) {
  ActivationAccess activation(*GuestThread::Current().current());
  activation.NoteTrap(fault_address, pc, frame);
  TidepoolLeaveGuest(activation.innermost().stack_pointer, code);
}

}  // namespace tidepool::engine
