// Fiber: a flow of control on a stack of its own, which gives the thread back only by itself.
//
// Life     Made over a stack; Resume starts and continues it; over when its function has returned.
//          The stack may be used again then, and not before: there is no way to end a fiber from
//          outside, since guest frames must not be unwound (engine.md, "ABI").
// Threads  One thread for its whole life.
// Source   Boost.Context's jump_fcontext, not boost::context::fiber, whose destructor throws through
//          the frames on the stack.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidepool::daemon {

class Fiber {
 public:
  // Runs `function(argument)` on [bottom, top) when first resumed.
  Fiber(uint8_t* bottom, uint8_t* top, void (*function)(void*), void* argument);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // From the thread's own stack: runs the fiber until it suspends or is over.
  void Resume();
  // From the fiber: returns when it is resumed.
  void Suspend();
  bool is_over() const { return is_over_; }

 private:
  struct Entry;
  void* context_;       // Of whichever side is not running.
  void (*function_)(void*);
  void* argument_;
  bool is_over_ = false;

  // For sanitizers, which must be told about every switch; unused without one.
  uint8_t* bottom_;
  size_t stack_bytes_;
  void* thread_fake_stack_ = nullptr;
  void* fiber_fake_stack_ = nullptr;
  const void* thread_bottom_ = nullptr;
  size_t thread_stack_bytes_ = 0;
  void* thread_tsan_ = nullptr;
  void* fiber_tsan_ = nullptr;
};

}  // namespace tidepool::daemon
