#include "engine/runtime/guest_stack.h"

#include <sys/mman.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/abi/thread_control.h"
#include "engine/platform/syscall_error.h"
#include "engine/runtime/transitions.h"
#include "engine/support/check.h"
#include "engine/support/status_macros.h"
#include "engine/support/units.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TP_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define TP_ADDRESS_SANITIZER 1
#endif
#ifdef TP_ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
#endif

namespace tidepool::engine {
namespace {

// What goes over to the other stack.
struct Work {
  absl::FunctionRef<void()> function;
  const void* old_stack_bottom = nullptr;
  size_t old_stack_bytes = 0;
};

// AddressSanitizer keeps the bounds of the current stack and must be told of every change.
void SwitchedTo(Work& work) {
#ifdef TP_ADDRESS_SANITIZER
  ::__sanitizer_finish_switch_fiber(nullptr, &work.old_stack_bottom, &work.old_stack_bytes);
#endif
}

void SwitchingBack(const Work& work) {
#ifdef TP_ADDRESS_SANITIZER
  ::__sanitizer_start_switch_fiber(nullptr, work.old_stack_bottom, work.old_stack_bytes);
#endif
}

void RunWork(void* argument) {
  Work& work = *static_cast<Work*>(argument);
  SwitchedTo(work);
  work.function();
  SwitchingBack(work);
}

}  // namespace

absl::StatusOr<GuestStack> GuestStack::Create(uint64_t guest_bytes) {
  if (!IsAligned(guest_bytes, kHostPageBytes) || guest_bytes == 0 || guest_bytes > kGiB) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a stack of ", guest_bytes, " bytes: it must be a multiple of 4 KiB, of at most 1 GiB"));
  }
  const uint64_t usable_bytes = guest_bytes + abi::kStackReserveBytes;
  TP_ASSIGN_OR_RETURN(MappedRegion region,
                      MappedRegion::Anonymous(kHostPageBytes + usable_bytes, PROT_NONE));
  if (::mprotect(region.base() + kHostPageBytes, usable_bytes, PROT_READ | PROT_WRITE) != 0) {
    return SyscallError("mprotect", "a guest stack");
  }
  return GuestStack(std::move(region));
}

uintptr_t GuestStack::limit() const {
  return reinterpret_cast<uintptr_t>(region_.base()) + kHostPageBytes + abi::kStackReserveBytes;
}

void GuestStack::Run(absl::FunctionRef<void()> function) {
  Work work{.function = function};
  uint8_t* top = region_.base() + region_.bytes();
#ifdef TP_ADDRESS_SANITIZER
  void* fake_stack = nullptr;
  ::__sanitizer_start_switch_fiber(
      &fake_stack, region_.base() + kHostPageBytes, region_.bytes() - kHostPageBytes);
#endif
  TidepoolCallOnStack(top, &RunWork, &work);
#ifdef TP_ADDRESS_SANITIZER
  ::__sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
}

}  // namespace tidepool::engine
