// The compilers that tidepool-compiler has.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "engine/compiler/backend.h"
#include "engine/compiler/compile_options.h"

namespace tidepool::daemon {

// Unimplemented for a tier that is not built in.
absl::StatusOr<std::unique_ptr<engine::Backend>> MakeBackend(engine::Tier tier);

}  // namespace tidepool::daemon
