#include "engine/runtime/engine.h"

#include "absl/status/statusor.h"
#include "engine/support/check.h"

namespace tidepool::engine {

Engine::Engine() {
  const absl::StatusOr<CpuFeatureSet> features = DetectCpuFeatures();
  TP_CHECK(features.ok());
  cpu_features_ = *features;
}

Engine::~Engine() = default;

}  // namespace tidepool::engine
