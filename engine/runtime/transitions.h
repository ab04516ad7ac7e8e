// The edges between machine code and C++ (transitions.S), and the C++ functions behind them.
//
// No C++ frame that owns anything is ever jumped over: what may trap returns its TrapCode to the
// assembly, or to a frame that is TP_UNINSTRUMENTED and owns nothing, and only that raises.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/abi/calling_convention.h"
#include "engine/runtime/activation.h"
#include "engine/runtime/transition_layout.h"
#include "engine/runtime/value.h"

// For functions that a trap jumps out of: sanitizers must not note their entry, as they would never
// see the exit (TSan's shadow stack would overflow), nor poison parts of their frame (ASan).
#if defined(__clang__)
#define TP_UNINSTRUMENTED __attribute__((disable_sanitizer_instrumentation, noinline))
#else
#define TP_UNINSTRUMENTED \
  __attribute__((no_sanitize_address, no_sanitize_thread, no_sanitize_undefined, noinline))
#endif

namespace tidepool::engine {

// The registers of the calling convention (engine/abi/calling_convention.h).
struct alignas(16) RegisterBlock {
  uint64_t integers[abi::kIntegerParameterCount];  // rsi rdx rcx r8 r9
  uint64_t integer_result;                         // rax
  Value vectors[abi::kVectorParameterCount];       // xmm0 … xmm7; xmm0 is the vector result too.
};
static_assert(offsetof(RegisterBlock, integers) == TP_BLOCK_INTEGERS);
static_assert(offsetof(RegisterBlock, integer_result) == TP_BLOCK_INTEGER_RESULT);
static_assert(offsetof(RegisterBlock, vectors) == TP_BLOCK_VECTORS);
static_assert(sizeof(RegisterBlock) == TP_BLOCK_BYTES);

struct HostRecord;

extern "C" {

// ---- In transitions.S --------------------------------------------------------------------------
// Calls guest `code`.  Returns the trap that ended the call, or 0 with the results in `registers`.
uint32_t TidepoolEnterGuest(const void* code, void* context, RegisterBlock* registers,
                            Activation::Entry* entry);
// Makes the TidepoolEnterGuest whose stack pointer this is return `code`.
[[noreturn]] void TidepoolLeaveGuest(uintptr_t stack_pointer, uint32_t code);
// FunctionRecord::code of every host function; its context is a HostRecord.
void TidepoolHostThunk();
// What ThreadControl points to.
void TidepoolRaiseTrap();
void TidepoolStackCheck();
void TidepoolInterrupt();
// Calls function(argument) with the stack pointer at `top`, which is 16-aligned.
void TidepoolCallOnStack(void* top, void (*function)(void*), void* argument);
// Where a faulting guest continues (trap::GuestHooks::raise_fault).
void TidepoolRaiseFault();

// ---- Called from there, in C++ -----------------------------------------------------------------
// `pc`: return address into the guest function whose frame pointer is `frame`.
[[noreturn]] void TidepoolTrap(uint32_t code, uintptr_t fault_address, uintptr_t pc,
                               uintptr_t frame);
// These return a TrapCode; 0: go on.
uint32_t TidepoolOnStackCheck(uintptr_t lowest_stack_pointer);
uint32_t TidepoolOnInterrupt();
uint32_t TidepoolHostDispatch(HostRecord* host, RegisterBlock* registers);

}  // extern "C"

}  // namespace tidepool::engine
