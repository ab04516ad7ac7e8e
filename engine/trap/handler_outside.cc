// The side of the trap handler that runs in ordinary code: setting it up, and the list of regions.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <mutex>

#include "engine/trap/handler_inside.h"
#include "engine/trap/handler_shared.h"

namespace tidepool::engine::trap {
namespace {

[[noreturn]] void Die(const char* what) {
  ::perror(what);
  ::abort();
}

// Held by writers of the list; readers do not know it.
constinit std::mutex g_writer_mutex;

CodeRegionList* NewList(size_t count) {
  return new CodeRegionList{count, new CodeRegion[count]};
}

void Publish(const CodeRegionList* next) {
  const CodeRegionList* previous = ExchangeList(next);
  if (previous == nullptr) return;
  delete[] previous->regions;
  delete previous;
}

}  // namespace

void RegisterCode(const CodeRegion& region) {
  const std::lock_guard<std::mutex> lock(g_writer_mutex);
  const CodeRegionList* current = CurrentList();
  const size_t count = current == nullptr ? 0 : current->count;
  CodeRegionList* next = NewList(count + 1);
  size_t at = 0;
  while (at < count && current->regions[at].begin < region.begin) {
    next->regions[at] = current->regions[at];
    ++at;
  }
  const bool overlaps = (at > 0 && next->regions[at - 1].end > region.begin) ||
                        (at < count && current->regions[at].begin < region.end);
  if (overlaps || region.begin >= region.end || region.find_trap == nullptr) {
    Die("RegisterCode: not a region of its own");
  }
  next->regions[at] = region;
  for (; at < count; ++at) next->regions[at + 1] = current->regions[at];
  Publish(next);
}

void UnregisterCode(uintptr_t begin) {
  const std::lock_guard<std::mutex> lock(g_writer_mutex);
  const CodeRegionList* current = CurrentList();
  const size_t count = current == nullptr ? 0 : current->count;
  size_t at = 0;
  while (at < count && current->regions[at].begin != begin) ++at;
  if (at == count) Die("UnregisterCode: no such region");
  CodeRegionList* next = NewList(count - 1);
  for (size_t i = 0; i < at; ++i) next->regions[i] = current->regions[i];
  for (size_t i = at + 1; i < count; ++i) next->regions[i - 1] = current->regions[i];
  Publish(next);
}

void InstallTrapHandler(const GuestHooks& hooks) {
  static std::once_flag once;
  std::call_once(once, [&hooks] {
    g_handler.is_guest_memory = hooks.is_guest_memory;
    g_handler.raise_fault = hooks.raise_fault;
    for (const int signal_number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
      static_assert(SIGSEGV < kSignalNumberMax && SIGBUS < kSignalNumberMax);
      // Read first: a fault between the two calls must find where to go.
      if (::sigaction(signal_number, nullptr, &g_previous.by_signal[signal_number]) != 0) {
        Die("sigaction");
      }
      struct sigaction action = {};
      action.sa_sigaction = &HandleSignal;
      // On the alternate stack: the thread's own may be what overflowed, or be a guest's.  Without
      // SA_NODEFER: a fault inside the handler is fatal at once, instead of a loop.
      action.sa_flags = SA_SIGINFO | SA_ONSTACK;
      ::sigemptyset(&action.sa_mask);
      if (::sigaction(signal_number, &action, nullptr) != 0) Die("sigaction");
    }
  });
}

void SetFirstWriteHook(FirstWriteHook hook) { g_handler.first_write = hook; }

}  // namespace tidepool::engine::trap
