// TP_CHECK and TP_DCHECK: our own bugs end the process, loudly, where they are found.
//
// Not for input, environment or guest behaviour: those are Status and Trap.
#pragma once

namespace tidepool {

// Prints `file:line: check failed: text` to stderr and aborts.  Signal-safe.
[[noreturn]] void CheckFailed(const char* file, int line, const char* text) noexcept;

}  // namespace tidepool

#define TP_CHECK(condition)                                           \
  (__builtin_expect(static_cast<bool>(condition), 1)                  \
       ? static_cast<void>(0)                                         \
       : ::tidepool::CheckFailed(__FILE__, __LINE__, #condition))

#ifdef NDEBUG
#define TP_DCHECK(condition) static_cast<void>(sizeof(static_cast<bool>(condition)))
#else
#define TP_DCHECK(condition) TP_CHECK(condition)
#endif
