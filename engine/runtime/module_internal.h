// What a Module consists of.  Not for other folders.
//
// Threads  Immutable once loaded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/artifact/elf_reader.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/module.h"
#include "engine/runtime/state_layout.h"

namespace tidepool::engine {

// Where an instance's state begins as in every other instance; what does not change back by itself
// and must be put back after use.
struct ResetPlan {
  std::vector<uint32_t> mutable_globals;     // By ordinal among the defined ones.
  std::vector<uint8_t> dropped_flags;        // Elements, then data, as an instance begins.
  bool flags_can_change = false;
};

struct ModuleImpl {
  Engine& engine;
  MappedArtifact artifact;
  std::string name;
  uint64_t id;
  StateLayout layout;
  StorageShape shape;
  ResetPlan reset;
  std::vector<uint32_t> type_ids;
  // Segments to apply at instantiation, in order.
  std::vector<uint32_t> active_elements;
  std::vector<uint32_t> active_data;

  const ModuleInfo& info() const { return artifact.info(); }
};

inline const ModuleImpl& ImplOf(const Module& module) { return *module.impl_; }

// For Load: pure functions of what the artifact says.
StorageShape ShapeOf(const MappedArtifact& artifact, const StateLayout& layout);
ResetPlan PlanReset(const ModuleInfo& info);

}  // namespace tidepool::engine
