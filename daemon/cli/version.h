// The version of this build.
#pragma once

namespace tidepool::daemon {

inline constexpr char kClientVersion[] = "0.1.0";

}  // namespace tidepool::daemon
