#include "engine/baseline/local_table.h"

#include <algorithm>

namespace tidepool::engine::baseline {

void LocalTable::BeginFunction() {
  ++generation_;
  if (generation_ == 0) {  // After 2^32 functions every stale state would look fresh.
    std::fill(states_.begin(), states_.end(), LocalState{});
    generation_ = 1;
  }
  touched_.clear();
  runs_.clear();
  count_ = 0;
  slots_ = 0;
  vm_context_ = LocalState{};
  vm_context_.kind = wasm::ValueKind::kI64;
  vm_context_.home = kVmContextHome;
}

void LocalTable::AddRun(uint32_t count, wasm::ValueKind kind, bool is_param) {
  if (count == 0) return;
  if (runs_.empty() || runs_.back().kind != kind || runs_.back().is_param != is_param) {
    runs_.push_back({count_, slots_, kind, is_param});
  }
  count_ += count;
  slots_ += count * SlotsOf(kind);
  if (states_.size() < count_) states_.resize(std::max<size_t>(count_, 2 * states_.size()));
}

void LocalTable::Make(uint32_t local) {
  const auto behind = std::upper_bound(
      runs_.begin(), runs_.end(), local, [](uint32_t l, const Run& run) { return l < run.first; });
  const Run& run = *(behind - 1);
  LocalState& state = states_[local];
  state = LocalState{};
  state.generation = generation_;
  state.kind = run.kind;
  state.is_param = run.is_param;
  const uint32_t slots = SlotsOf(run.kind);
  state.home = HomeOfSlot(run.first_slot + (local - run.first) * slots + slots - 1);
  touched_.push_back(local);
}

}  // namespace tidepool::engine::baseline
