// LocalPlan: which locals of a function live in registers throughout, found by one quick pass over
// its body before it is compiled.
//
// A use counts 8 times per enclosing loop.  The heaviest locals are pinned: integers to
// callee-saved registers and to r8 to r10, floats to xmm8 to xmm14.  Registers that a call destroys
// are saved before and reloaded behind every call, so they are given only where uses outweigh that.
// A pinned local is in its register at every label, whatever way led there, so loops keep their
// variables in registers and joins have nothing to merge.
//
// Threads  One thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

#include "engine/baseline/local_table.h"
#include "engine/x64/registers.h"

namespace tidepool::engine::baseline {

struct LocalPlan {
  x64::GprSet pinned_gprs;
  x64::XmmSet pinned_xmms;
  // Pinned, and destroyed by calls.
  std::vector<uint32_t> lost_locals;
  bool uses_memory0 = false;
  bool has_calls = false;
  bool has_tail_calls = false;
  bool has_loops = false;

  void Clear();
};

class LocalPlanner {
 public:
  // `body` is that of a valid function.  `locals` has the parameters; gets the other runs, the
  // weights and the pins.  `explicit_bounds`: every memory access reads the context as well.
  void Plan(absl::Span<const uint8_t> body,
            bool explicit_bounds,
            LocalTable& locals,
            LocalPlan& plan);

 private:
  class Visitor;
  void Pin(LocalTable& locals, uint32_t call_weight, LocalPlan& plan);

  std::vector<bool> blocks_;  // For each open block: a loop?
};

}  // namespace tidepool::engine::baseline
