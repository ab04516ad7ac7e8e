#include "daemon/invoke/fiber.h"

#include <boost/context/detail/fcontext.hpp>

#include "engine/support/check.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TP_FIBER_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define TP_FIBER_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define TP_FIBER_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define TP_FIBER_TSAN 1
#endif

#ifdef TP_FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef TP_FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace tidepool::daemon {
namespace {

using boost::context::detail::fcontext_t;
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

#ifdef TP_FIBER_ASAN
void StartSwitch(void** fake_stack, const void* bottom, size_t bytes) {
  __sanitizer_start_switch_fiber(fake_stack, bottom, bytes);
}
void FinishSwitch(void* fake_stack, const void** bottom, size_t* bytes) {
  __sanitizer_finish_switch_fiber(fake_stack, bottom, bytes);
}
#else
void StartSwitch(void**, const void*, size_t) {}
void FinishSwitch(void*, const void**, size_t*) {}
#endif

}  // namespace

struct Fiber::Entry {
  [[noreturn]] static void Run(transfer_t from) {
    Fiber* fiber = static_cast<Fiber*>(from.data);
    FinishSwitch(nullptr, &fiber->thread_bottom_, &fiber->thread_stack_bytes_);
    fiber->context_ = from.fctx;
    fiber->function_(fiber->argument_);
    fiber->is_over_ = true;
    StartSwitch(nullptr, fiber->thread_bottom_, fiber->thread_stack_bytes_);
#ifdef TP_FIBER_TSAN
    __tsan_switch_to_fiber(fiber->thread_tsan_, 0);
#endif
    jump_fcontext(static_cast<fcontext_t>(fiber->context_), fiber);
    TP_CHECK(!"a fiber that is over runs no more");
    __builtin_unreachable();
  }
};

Fiber::Fiber(uint8_t* bottom, uint8_t* top, void (*function)(void*), void* argument)
    : function_(function),
      argument_(argument),
      bottom_(bottom),
      stack_bytes_(static_cast<size_t>(top - bottom)) {
  context_ = make_fcontext(top, stack_bytes_, &Entry::Run);
#ifdef TP_FIBER_TSAN
  fiber_tsan_ = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
#ifdef TP_FIBER_TSAN
  __tsan_destroy_fiber(fiber_tsan_);
#endif
}

void Fiber::Resume() {
  StartSwitch(&thread_fake_stack_, bottom_, stack_bytes_);
#ifdef TP_FIBER_TSAN
  thread_tsan_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(fiber_tsan_, 0);
#endif
  const transfer_t back = jump_fcontext(static_cast<fcontext_t>(context_), this);
  FinishSwitch(thread_fake_stack_, nullptr, nullptr);
  context_ = back.fctx;
}

void Fiber::Suspend() {
  StartSwitch(&fiber_fake_stack_, thread_bottom_, thread_stack_bytes_);
#ifdef TP_FIBER_TSAN
  __tsan_switch_to_fiber(thread_tsan_, 0);
#endif
  const transfer_t back = jump_fcontext(static_cast<fcontext_t>(context_), this);
  FinishSwitch(fiber_fake_stack_, &thread_bottom_, &thread_stack_bytes_);
  context_ = back.fctx;
}

}  // namespace tidepool::daemon
