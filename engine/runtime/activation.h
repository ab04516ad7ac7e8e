// Activation: one stack of guest calls, and what happens on it when it must stop.
//
// Shape    Lives outside all guest storage, beside the stack it describes.  Holds the argument area.
// Life     Made for a stack; entered by Call; may be suspended by a fiber switch inside an
//          InterruptHandler or a host function and resumed on the same thread.
// Threads  One thread for its whole life.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "engine/abi/calling_convention.h"
#include "engine/abi/trap_code.h"
#include "engine/runtime/value.h"

namespace tidepool::engine {

class Store;

// Asked when the control word says "attention" and the stack has not overflowed.  Runs on the
// guest's stack, at a point where the guest's state is whole: it may switch fibers.
class InterruptHandler {
 public:
  // kNone: go on.  Anything else ends the guest call with that trap.
  virtual TrapCode OnInterrupt() noexcept = 0;

 protected:
  ~InterruptHandler() = default;
};

class Activation {
 public:
  // `stack_limit`: the lowest address guest frames may reach; at least abi::kStackReserveBytes of
  // stack lie below it.  `handler` may be null: interrupts are then ignored.
  Activation(uintptr_t stack_limit, InterruptHandler* handler)
      : stack_limit_(stack_limit), handler_(handler) {}
  Activation(const Activation&) = delete;
  Activation& operator=(const Activation&) = delete;

  // For the stack the caller runs on: `bytes` of it below the caller's frame are the guest's.
  static uintptr_t LimitOnCurrentStack(uint64_t bytes);

  uintptr_t stack_limit() const { return stack_limit_; }
  InterruptHandler* handler() const { return handler_; }
  void set_handler(InterruptHandler* handler) { handler_ = handler; }
  // Of the innermost guest call; null outside of calls.
  Store* store() const { return store_; }
  Value* argument_area() { return reinterpret_cast<Value*>(argument_area_.data()); }

  static constexpr uint32_t kBacktraceFramesMax = 64;
  struct Entry;  // engine/runtime/entry.h: one host→guest transition; a chain, for nesting.

 private:
  friend class ActivationAccess;  // The runtime's own door (entry.h).
  static constexpr uint64_t kNoFaultOffset = UINT64_MAX;

  uintptr_t stack_limit_;
  InterruptHandler* handler_;
  Store* store_ = nullptr;
  Entry* entry_ = nullptr;  // Innermost.
  // The last trap.  Written anew by each; of interest only after a call that trapped.
  absl::Status host_error_;                  // kHostError: what the host function said.
  uint64_t fault_offset_ = kNoFaultOffset;   // A fault: how far beyond the memory's base.
  uint32_t backtrace_count_ = 0;
  bool backtrace_truncated_ = false;
  // Raw return addresses, innermost first.
  std::array<uintptr_t, kBacktraceFramesMax> backtrace_pcs_;
  // Bytes and not Values, so that making an activation does not write 16 KB that few calls use.
  alignas(16) std::array<std::byte, abi::kArgumentAreaSlots * sizeof(Value)> argument_area_;
};

}  // namespace tidepool::engine
