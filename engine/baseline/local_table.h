// LocalTable: the locals of the function being compiled.
//
// Shape    Locals are declared in runs (count, type).  A local's state is made when the code first
//          mentions it: a body of ten bytes may declare 50,000 locals, and costs ten bytes' work.
// Life     BeginFunction, AddRun…, then Touch.  States keep their address until the next
//          BeginFunction.
// Threads  One thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/baseline/frame.h"
#include "engine/wasm/types.h"

namespace tidepool::engine::baseline {

inline constexpr uint8_t kNoRegister = 0xFF;

struct LocalState {
  uint32_t generation = 0;
  wasm::ValueKind kind = wasm::ValueKind::kI32;
  uint8_t pinned = kNoRegister;  // Holds the local throughout the function; else it lives at home.
  uint8_t cached = kNoRegister;  // Holds a copy of home just now.
  bool is_param = false;
  bool was_set = false;  // Written before it was first read, in the block (set_depth, set_block).
  bool needs_zero = false;      // Read where no earlier write is certain.
  int32_t home = 0;             // rbp-relative.
  int32_t last_reference = -1;  // Topmost stack entry that stands for this local.
  uint32_t weight = 0;          // Uses, by loop depth (LocalPlan).
  uint32_t set_depth = 0;
  uint32_t set_block = 0;
};

class LocalTable {
 public:
  void BeginFunction();
  void AddRun(uint32_t count, wasm::ValueKind kind, bool is_param);

  LocalState& Touch(uint32_t local) {
    LocalState& state = states_[local];
    if (__builtin_expect(state.generation != generation_, 0)) Make(local);
    return state;
  }
  bool IsTouched(uint32_t local) const { return states_[local].generation == generation_; }
  // The context pointer, which is cached and pinned like a local.
  LocalState& vm_context() { return vm_context_; }
  // Those the code mentions, in the order of first mention.
  const std::vector<uint32_t>& touched() const { return touched_; }
  uint32_t count() const { return count_; }
  uint32_t slots() const { return slots_; }

 private:
  struct Run {
    uint32_t first = 0;
    uint32_t first_slot = 0;
    wasm::ValueKind kind = wasm::ValueKind::kI32;
    bool is_param = false;
  };

  void Make(uint32_t local);

  std::vector<LocalState> states_;
  std::vector<uint32_t> touched_;
  std::vector<Run> runs_;
  LocalState vm_context_;
  uint32_t generation_ = 0;
  uint32_t count_ = 0;
  uint32_t slots_ = 0;
};

}  // namespace tidepool::engine::baseline
