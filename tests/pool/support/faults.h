// Whether a byte can be written, found out by trying: a fault is caught and reported.
#pragma once

#include <setjmp.h>
#include <signal.h>

#include <cstdint>

namespace tidepool::pool {

inline thread_local sigjmp_buf fault_return;

inline void OnFault(int) { siglongjmp(fault_return, 1); }

// True when a load and a store at `at` both succeed; the byte keeps its value.
inline bool IsWritable(uint8_t* at) {
  struct sigaction action {};
  struct sigaction old_segv {};
  struct sigaction old_bus {};
  action.sa_handler = &OnFault;
  ::sigaction(SIGSEGV, &action, &old_segv);
  ::sigaction(SIGBUS, &action, &old_bus);
  volatile bool writable = false;
  if (sigsetjmp(fault_return, 1) == 0) {
    auto* byte = const_cast<volatile uint8_t*>(at);
    *byte = *byte;
    writable = true;
  }
  ::sigaction(SIGSEGV, &old_segv, nullptr);
  ::sigaction(SIGBUS, &old_bus, nullptr);
  return writable;
}

}  // namespace tidepool::pool
