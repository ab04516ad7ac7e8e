// A thread with a stack that guests may use up: scripts ask for the end of it.
#pragma once

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace tidepool::spec {

// How much of it is the guest's.
inline constexpr uint64_t kGuestStackBytes = uint64_t{8} << 20;

// Runs `body` on a thread whose stack has room for that and for the host; returns when it ended.
absl::Status RunOnGuestThread(absl::FunctionRef<void()> body);

}  // namespace tidepool::spec
