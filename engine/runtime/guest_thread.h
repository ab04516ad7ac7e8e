// GuestThread: what makes a thread able to run guests: GS base, alternate signal stack, handlers.
//
// Life     GuestThread::Current() sets the calling thread up at its first call and lasts until the
//          thread ends.
// Threads  RequestAttention from any thread; the rest from the thread itself.
// Source   arch_prctl(2); sigaltstack(2).
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/abi/thread_control.h"
#include "engine/trap/trap_handler.h"

namespace tidepool::engine {

class Activation;

class GuestThread {
 public:
  static GuestThread& Current() {
    GuestThread* current = current_;
    return current != nullptr ? *current : SetUp();
  }

  // Makes `activation` the one that guest code and host functions on this thread see; null: none.
  // Calls do it, and so do returns from host functions and interrupt handlers, which may have
  // switched fibers: a scheduler need not.
  void Switch(Activation* activation);
  Activation* current() const { return control_.activation; }

  // Thread-safe, wait-free: the running guest enters its InterruptHandler at its next check.  If the
  // thread switches fibers at that moment the request stays pending until it was seen once.
  void RequestAttention();

  // For slow paths: takes a pending request.  The control word is the stack limit again afterwards,
  // unless a request came meanwhile: that one is seen at the next check.
  bool TakeAttention();
  // A look without a slow path, for loops in C++.
  bool attention_wanted() const {
    return control_.stack_limit.load(std::memory_order_relaxed) == abi::kStackLimitAttention;
  }

  abi::ThreadControl& control() { return control_; }

 private:
  friend struct GuestThreadHolder;
  // Of the calling thread when it has one.  Trivial, so that a signal handler may read it.
  static constinit thread_local GuestThread* current_;
  static GuestThread& SetUp();
  // For the trap handler: runs inside it.
  static bool IsGuestMemory(uintptr_t address) noexcept;

  GuestThread();
  ~GuestThread();

  abi::ThreadControl control_{};
  std::atomic<bool> attention_{false};
  trap::SignalStack signal_stack_;
};

}  // namespace tidepool::engine
