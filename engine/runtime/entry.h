// One host→guest transition, and the runtime's door into an Activation.  Not for other folders.
//
// Life     An Entry lies in CallFunction's frame.  A trap unwinds to the innermost one: nothing but
//          guest frames and uninstrumented frames without destructors lies between.
#pragma once

#include <cstdint>
#include <utility>

#include "engine/runtime/activation.h"
#include "engine/runtime/transition_layout.h"

namespace tidepool::engine {

struct Activation::Entry {
  uintptr_t frame_pointer = 0;  // Of TidepoolEnterGuest: where a backtrace ends.
  uintptr_t stack_pointer = 0;  // What TidepoolLeaveGuest goes back to.
  Entry* previous = nullptr;
};

class ActivationAccess {
 public:
  explicit ActivationAccess(Activation& activation) : activation_(activation) {}

  void Push(Activation::Entry& entry) {
    entry.previous = std::exchange(activation_.entry_, &entry);
  }
  void Pop(const Activation::Entry& entry) { activation_.entry_ = entry.previous; }
  const Activation::Entry& innermost() const { return *activation_.entry_; }
  Store* ExchangeStore(Store* store) { return std::exchange(activation_.store_, store); }

  // Forgets the last trap; done when a call begins.
  void ClearTrap();
  // Notes where a trap happened: at `pc` in the guest function whose frame is `frame`, and there at
  // an address, unless that is 0.  The backtrace reaches to the innermost entry.
  void NoteTrap(uintptr_t fault_address, uintptr_t pc, uintptr_t frame);
  void SetHostError(absl::Status error) { activation_.host_error_ = std::move(error); }

  const absl::Status& host_error() const { return activation_.host_error_; }
  bool has_fault_offset() const {
    return activation_.fault_offset_ != Activation::kNoFaultOffset;
  }
  uint64_t fault_offset() const { return activation_.fault_offset_; }
  bool backtrace_truncated() const { return activation_.backtrace_truncated_; }
  uint32_t backtrace_count() const { return activation_.backtrace_count_; }
  uintptr_t backtrace_pc(uint32_t index) const { return activation_.backtrace_pcs_[index]; }

 private:
  Activation& activation_;
};

static_assert(offsetof(Activation::Entry, frame_pointer) == TP_ENTRY_FRAME_POINTER);
static_assert(offsetof(Activation::Entry, stack_pointer) == TP_ENTRY_STACK_POINTER);

}  // namespace tidepool::engine
