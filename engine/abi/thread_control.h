// ThreadControl: what guest code reads through the GS base, one per data-plane thread, outside
// every slot.
//
//   gs:0     stack_limit     compared with rsp at function entries and loop headers
//   gs:8     activation      the running call; rewritten at fiber switches
//   gs:16    argument_area   the activation's; rewritten at fiber switches
//   gs:24    raise_trap      edi = TrapCode; `call`ed, never returns; the return address is where
//   gs:32    stack_check     function entry's slow path: rax = lowest rsp the function will use;
//                            returns with every register but rax as it was, or traps
//   gs:40    interrupt       loop header's slow path: returns with every register as it was, or traps
//   gs:48    builtins[]      builtins.def, by id
//
// Guest code:  cmp rsp, gs:[0] ; jb slow.  Another thread asks for attention by storing UINT64_MAX
// into stack_limit; the slow path tells stack overflow, time slice, limit and kill apart.  A frame
// larger than kUncheckedFrameBytes compares rsp minus its size instead of rsp.
//
// Threads  stack_limit may be written by any thread; all else only by the thread itself.
// Source   arch_prctl(2) ARCH_SET_GS.  A GS base costs no register (engine.md, "ABI").
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tidepool::engine {
class Activation;
}

namespace tidepool::engine::abi {

enum class BuiltinId : uint32_t {
#define TP_BUILTIN(name, result, parameters) k##name,
#include "engine/abi/builtins.def"
#undef TP_BUILTIN
  kCount,
};

inline constexpr uint64_t kStackLimitAttention = UINT64_MAX;
// Below stack_limit every stack has at least this much room for unchecked frames, the slow path,
// builtins and host functions.
inline constexpr uint64_t kStackReserveBytes = 64 * 1024;
inline constexpr uint64_t kUncheckedFrameBytes = 2 * 1024;

struct ThreadControl {
  std::atomic<uint64_t> stack_limit;
  Activation* activation;
  void* argument_area;
  void (*raise_trap)();
  void (*stack_check)();
  void (*interrupt)();
  const void* builtins[static_cast<size_t>(BuiltinId::kCount)];
};

namespace thread_control {
inline constexpr int32_t kStackLimit = 0;
inline constexpr int32_t kActivation = 8;
inline constexpr int32_t kArgumentArea = 16;
inline constexpr int32_t kRaiseTrap = 24;
inline constexpr int32_t kStackCheck = 32;
inline constexpr int32_t kInterrupt = 40;
inline constexpr int32_t kBuiltins = 48;
}  // namespace thread_control

static_assert(std::atomic<uint64_t>::is_always_lock_free);
static_assert(offsetof(ThreadControl, stack_limit) == thread_control::kStackLimit);
static_assert(offsetof(ThreadControl, activation) == thread_control::kActivation);
static_assert(offsetof(ThreadControl, argument_area) == thread_control::kArgumentArea);
static_assert(offsetof(ThreadControl, raise_trap) == thread_control::kRaiseTrap);
static_assert(offsetof(ThreadControl, stack_check) == thread_control::kStackCheck);
static_assert(offsetof(ThreadControl, interrupt) == thread_control::kInterrupt);
static_assert(offsetof(ThreadControl, builtins) == thread_control::kBuiltins);

}  // namespace tidepool::engine::abi
