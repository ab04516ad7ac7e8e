// GuestThread: what makes a thread able to run guests: GS base, alternate signal stack, handlers.
//
// Life     GuestThread::Current() sets the calling thread up at its first call and lasts until the
//          thread ends.
// Threads  RequestAttention from any thread; the rest from the thread itself.
#pragma once

#include <cstdint>

#include "engine/abi/thread_control.h"

namespace tidepool::engine {

class Activation;

class GuestThread {
 public:
  static GuestThread& Current();

  // Makes `activation` the one that guest code and host functions on this thread see.  To be called
  // after every fiber switch back into a guest or host function.  Null: none.
  void Switch(Activation* activation);
  Activation* current() const { return control_.activation; }

  // Thread-safe, wait-free: the running guest enters its InterruptHandler at its next check.  If the
  // thread switches fibers at that moment the request stays pending until it was seen once.
  void RequestAttention();

  abi::ThreadControl& control() { return control_; }

 private:
  GuestThread();
  ~GuestThread();
  friend struct GuestThreadHolder;
  abi::ThreadControl control_{};
  std::atomic<bool> attention_{false};
  void* signal_stack_ = nullptr;
};

}  // namespace tidepool::engine
