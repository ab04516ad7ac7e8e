#include "daemon/compile_worker/backends.h"

#include "absl/strings/str_cat.h"
#include "engine/baseline/baseline_backend.h"
#include "engine/compiler/option_list.h"

namespace tidepool::daemon {

absl::StatusOr<std::unique_ptr<engine::Backend>> MakeBackend(engine::Tier tier) {
  if (tier == engine::Tier::kBaseline) return std::make_unique<engine::BaselineBackend>();
  return absl::UnimplementedError(
      absl::StrCat("tier ", engine::ToString(tier), " is not built into this compiler"));
}

}  // namespace tidepool::daemon
