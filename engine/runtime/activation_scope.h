// ActivationScope: while it lives, an activation is the thread's current one and belongs to a store.
//
// At its end the thread has no current activation, unless the scope is nested in another of the same
// activation.  What was current before is *not* put back: a fiber that left it there may have ended
// long since.  Whoever continues on a stack makes its activation current itself: host_dispatch.cc
// after a host function, interrupt.cc after a handler.
#pragma once

#include "engine/runtime/activation.h"
#include "engine/runtime/entry.h"
#include "engine/runtime/guest_thread.h"

namespace tidepool::engine {

class [[nodiscard]] ActivationScope {
 public:
  ActivationScope(Activation& activation, Store& store)
      : thread_(GuestThread::Current()),
        activation_(activation),
        nested_(thread_.current() == &activation),
        previous_store_(ActivationAccess(activation).ExchangeStore(&store)) {
    if (!nested_) thread_.Switch(&activation);
  }
  ~ActivationScope() {
    ActivationAccess(activation_).ExchangeStore(previous_store_);
    if (!nested_) thread_.Switch(nullptr);
  }
  ActivationScope(const ActivationScope&) = delete;
  ActivationScope& operator=(const ActivationScope&) = delete;

 private:
  GuestThread& thread_;
  Activation& activation_;
  bool nested_;
  Store* previous_store_;
};

}  // namespace tidepool::engine
