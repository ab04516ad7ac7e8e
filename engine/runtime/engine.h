// Engine: what loaded modules share: the canonical numbering of types and the features of the CPU.
// Modules of two engines do not link with each other.
//
// Life     Outlives every Module loaded into it.
// Threads  Thread-safe.
#pragma once

#include "engine/platform/cpu_features.h"
#include "engine/runtime/type_registry.h"

namespace tidepool::engine {

class Engine {
 public:
  // Dies on a CPU that is less than x86-64-v2; DetectCpuFeatures tells beforehand.
  Engine();
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  TypeRegistry& types() { return types_; }
  CpuFeatureSet cpu_features() const { return cpu_features_; }

 private:
  TypeRegistry types_;
  CpuFeatureSet cpu_features_;
};

}  // namespace tidepool::engine
