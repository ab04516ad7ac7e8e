// The signal handler itself; installed by handler_outside.cc.  Not included outside this folder.
#pragma once

#include <signal.h>

#include "engine/trap/handler_shared.h"

namespace tidepool::engine::trap {

inline constexpr int kSignalNumberMax = 32;

// The actions that were there before ours, by signal number.  Written once, before ours are set.
struct PreviousActions {
  struct sigaction by_signal[kSignalNumberMax];
};
extern PreviousActions g_previous;

void HandleSignal(int signal_number, siginfo_t* info, void* context);

}  // namespace tidepool::engine::trap
