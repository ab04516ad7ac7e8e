// The trap handler: makes traps of guest faults on guard pages, and crashes of all other faults.
//
// Shape    Asked in this order, on every SIGSEGV and SIGBUS that an instruction caused:
//            1. does the first-write hook know the address?       → resume, from any pc
//            2. is pc in registered code, does its trap table     → the guest continues in
//               name a trap there, and is the address guest         GuestHooks::raise_fault
//               memory of the store that runs on this thread?
//            3. anything else                                     → a line on stderr, then the
//                                                                   previous action (a core dump)
//          SIGFPE and SIGILL are always 3: no operator of ours is allowed to raise them.
// Life     InstallTrapHandler once per process; every thread that runs guests owns a SignalStack;
//          code is registered before it first runs, and unregistered when it never will again.
// Threads  All functions are thread-safe.  FindCode is signal-safe and lock-free; registering costs
//          a copy of the list of regions.
// Source   sigaction(2); engine.md, "Signals, in this order"; security.md B8, B9, P14.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidepool::engine {

enum class TrapCode : uint8_t;  // engine/abi/trap_code.h: this folder needs only the type.

namespace trap {

// One module's machine code.
struct CodeRegion {
  uintptr_t begin = 0;
  uintptr_t end = 0;
  const void* owner = nullptr;  // Handed back by FindCode, and to find_trap.
  // The trap that a fault of the instruction at begin + text_offset is; TrapCode{0}: it must not
  // fault.  Called inside the signal handler: no locks, no allocation.
  TrapCode (*find_trap)(const void* owner, uint32_t text_offset) noexcept = nullptr;
};

// `region` overlaps none that is registered.
void RegisterCode(const CodeRegion& region);
// When it returns, no handler on any thread still reads the region or will call its find_trap.
void UnregisterCode(uintptr_t begin);
bool FindCode(uintptr_t pc, CodeRegion* region);

// What the runtime tells the handler.  Both run inside it.
struct GuestHooks {
  // True when `address` lies in a reservation of a memory of the store that runs on this thread.
  bool (*is_guest_memory)(uintptr_t address) noexcept;
  // Where a guest that faulted continues: edi = TrapCode, rsi = fault address, and on the stack, as
  // if it had made a call, a return address one byte past the *start* of the faulting instruction.
  // (Backtraces look a return address up one byte before itself.)
  void (*raise_fault)();
};

// Takes over SIGSEGV, SIGBUS, SIGFPE and SIGILL; what was there before gets the crashes.  Later
// calls do nothing.
void InstallTrapHandler(const GuestHooks& hooks);

// Question 1.  Returns true when it has made the address writable, so that the write can be tried
// again.  Runs inside the handler, on whatever thread wrote.  Null: nobody watches.
using FirstWriteHook = bool (*)(uintptr_t address);
void SetFirstWriteHook(FirstWriteHook hook);

// The calling thread's alternate signal stack, apart from all guest data and with an inaccessible
// page at its lower end.
//
// Life     Made and destroyed on the same thread; what was set before is then set again.
class [[nodiscard]] SignalStack {
 public:
  SignalStack();  // Dies when the kernel refuses the memory: no guest could run safely.
  ~SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

  uint8_t* base() const { return base_; }  // Of the usable part; the guard page lies below.
  size_t bytes() const { return bytes_; }

 private:
  uint8_t* base_;
  size_t bytes_;
  void* previous_base_;
  size_t previous_bytes_;
  int previous_flags_;
};

}  // namespace trap
}  // namespace tidepool::engine
