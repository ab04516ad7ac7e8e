#include "engine/runtime/activation.h"

#include "engine/runtime/entry.h"
#include "engine/runtime/store.h"
#include "engine/runtime/store_internal.h"

namespace tidepool::engine {

uintptr_t Activation::LimitOnCurrentStack(uint64_t bytes) {
  return reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) - bytes;
}

void ActivationAccess::ClearTrap() {
  activation_.host_error_ = absl::OkStatus();
  activation_.fault_offset_ = Activation::kNoFaultOffset;
  activation_.backtrace_count_ = 0;
  activation_.backtrace_truncated_ = false;
}

void ActivationAccess::NoteTrap(uintptr_t fault_address, uintptr_t pc, uintptr_t frame) {
  activation_.backtrace_count_ = 0;
  activation_.backtrace_truncated_ = false;
  activation_.fault_offset_ = Activation::kNoFaultOffset;
  if (fault_address != 0 && activation_.store_ != nullptr) {
    const AddressRange* range = StoreAccess(*activation_.store_).FindReservation(fault_address);
    if (range != nullptr) activation_.fault_offset_ = fault_address - range->begin;
  }

  const uintptr_t end = activation_.entry_->frame_pointer;
  // A frame pointer that does not rise towards the entry is not one of ours: better a short
  // backtrace than a wild read.
  uintptr_t lowest = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  while (frame < end && frame > lowest && frame % sizeof(uintptr_t) == 0) {
    if (activation_.backtrace_count_ == Activation::kBacktraceFramesMax) {
      activation_.backtrace_truncated_ = true;
      return;
    }
    activation_.backtrace_pcs_[activation_.backtrace_count_++] = pc;
    const auto* words = reinterpret_cast<const uintptr_t*>(frame);
    lowest = frame;
    pc = words[1];
    frame = words[0];
  }
}

}  // namespace tidepool::engine
