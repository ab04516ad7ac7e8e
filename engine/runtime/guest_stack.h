// GuestStack: a stack of a given size with an inaccessible page at its lower end, to run calls on.
//
// For tools that need more stack than their thread has; the daemon's fibers have pooled stacks of
// their own (pool/instance/stack_pool.h).
//
//   base            limit()                         top
//   │ guard page │  kStackReserveBytes  │  guest_bytes  │  grows downwards
//
// Life     Memory is committed as it is touched and given back at the end.  Run may be nested only on
//          different stacks.
// Threads  One thread at a time.
// Errors   ResourceExhausted or another code of mmap(2): no address space.
#pragma once

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "engine/platform/mapped_region.h"

namespace tidepool::engine {

class [[nodiscard]] GuestStack {
 public:
  // `guest_bytes`: what guests may use, a multiple of the host page.
  static absl::StatusOr<GuestStack> Create(uint64_t guest_bytes);
  GuestStack(GuestStack&&) noexcept = default;
  GuestStack& operator=(GuestStack&&) noexcept = default;

  // For Activation.
  uintptr_t limit() const;
  // Calls `work` on this stack and returns when it has.
  void Run(absl::FunctionRef<void()> work);

 private:
  explicit GuestStack(MappedRegion region) : region_(std::move(region)) {}
  MappedRegion region_;
};

}  // namespace tidepool::engine
