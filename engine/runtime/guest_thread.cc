#include "engine/runtime/guest_thread.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/runtime/activation.h"
#include "engine/runtime/builtins.h"
#include "engine/runtime/store.h"
#include "engine/runtime/store_internal.h"
#include "engine/runtime/transitions.h"
#include "engine/support/check.h"

namespace tidepool::engine {

constinit thread_local GuestThread* GuestThread::current_ = nullptr;

// Apart from current_, because a thread_local with a destructor costs a check at every access.
struct GuestThreadHolder {
  GuestThread thread;
  ~GuestThreadHolder() { GuestThread::current_ = nullptr; }
};

GuestThread& GuestThread::SetUp() {
  thread_local GuestThreadHolder holder;
  current_ = &holder.thread;
  return holder.thread;
}

GuestThread::GuestThread() {
  trap::InstallTrapHandler(
      {.is_guest_memory = &GuestThread::IsGuestMemory, .raise_fault = &TidepoolRaiseFault});
  control_.raise_trap = &TidepoolRaiseTrap;
  control_.stack_check = &TidepoolStackCheck;
  control_.interrupt = &TidepoolInterrupt;
  FillBuiltins(control_);
  TP_CHECK(::syscall(SYS_arch_prctl, ARCH_SET_GS, &control_) == 0);
}

GuestThread::~GuestThread() { ::syscall(SYS_arch_prctl, ARCH_SET_GS, 0); }

// The order of the two flags, here and below, is what loses no request: a requester raises
// attention_ first and the control word second; whoever lowers the control word looks at attention_
// afterwards.  So either the requester's store to the control word comes later and stays, or its
// attention_ is seen.
void GuestThread::Switch(Activation* activation) {
  control_.activation = activation;
  if (activation == nullptr) {
    control_.argument_area = nullptr;
    return;
  }
  control_.argument_area = activation->argument_area();
  control_.stack_limit.store(activation->stack_limit());
  if (attention_.load()) control_.stack_limit.store(abi::kStackLimitAttention);
}

void GuestThread::RequestAttention() {
  attention_.store(true);
  control_.stack_limit.store(abi::kStackLimitAttention);
}

bool GuestThread::TakeAttention() {
  control_.stack_limit.store(control_.activation->stack_limit());
  return attention_.exchange(false);
}

bool GuestThread::IsGuestMemory(uintptr_t address) noexcept {
  if (current_ == nullptr || current_->control_.activation == nullptr) return false;
  Store* store = current_->control_.activation->store();
  return store != nullptr && StoreAccess(*store).FindReservation(address) != nullptr;
}

}  // namespace tidepool::engine
