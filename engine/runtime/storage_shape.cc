// What an instance needs and what a reset puts back, from what the artifact says.
#include "engine/abi/guard_reach.h"
#include "engine/compiler/compile_options.h"
#include "engine/runtime/module_internal.h"

namespace tidepool::engine {
namespace {

// The bytes that `pages` are, or as many as the number can say.
uint64_t BytesOf(uint64_t pages, uint8_t page_bytes_log2) {
  if (pages > UINT64_MAX >> page_bytes_log2) return UINT64_MAX << page_bytes_log2;
  return pages << page_bytes_log2;
}

uint64_t BytesMaxOf(const wasm::MemoryType& type) {
  const uint64_t declared =
      type.limits.has_max ? BytesOf(type.limits.max, type.page_bytes_log2) : UINT64_MAX;
  const uint64_t reachable = type.address == wasm::AddressType::kI32
                                 ? uint64_t{1} << 32
                                 : UINT64_MAX << type.page_bytes_log2;
  return declared < reachable ? declared : reachable;
}

}  // namespace

StorageShape ShapeOf(const MappedArtifact& artifact, const StateLayout& layout) {
  const ModuleInfo& info = artifact.info();
  StorageShape shape;
  for (size_t i = info.counts.imported_memories; i < info.memories.size(); ++i) {
    const wasm::MemoryType& type = info.memories[i];
    const bool guarded = artifact.meta().options.bounds == Bounds::kGuard &&
                         type.address == wasm::AddressType::kI32 && type.page_bytes_log2 == 16;
    shape.memories.push_back({.initial_bytes = BytesOf(type.limits.min, type.page_bytes_log2),
                              .bytes_max = BytesMaxOf(type),
                              .guarded = guarded});
  }
  shape.state_bytes = layout.bytes;
  return shape;
}

ResetPlan PlanReset(const ModuleInfo& info) {
  ResetPlan plan;
  for (uint32_t i = info.counts.imported_globals; i < info.globals.size(); ++i) {
    if (info.globals[i].type.is_mutable) {
      plan.mutable_globals.push_back(i - info.counts.imported_globals);
    }
  }
  // Declarative segments are dropped by the specification before anybody can name them; active ones
  // that the image holds were applied, and so dropped.
  for (const InfoElementSegment& segment : info.elements) {
    const bool dropped = segment.in_image || segment.mode == wasm::SegmentMode::kDeclarative;
    plan.dropped_flags.push_back(dropped ? 1 : 0);
    plan.flags_can_change |= !dropped;
  }
  for (const InfoDataSegment& segment : info.data) {
    plan.dropped_flags.push_back(segment.in_image ? 1 : 0);
    plan.flags_can_change |= !segment.in_image;
  }
  return plan;
}

}  // namespace tidepool::engine
