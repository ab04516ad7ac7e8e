#include "engine/baseline/local_plan.h"

#include <algorithm>
#include <array>

#include "engine/wasm/function_body.h"

namespace tidepool::engine::baseline {
namespace {

using wasm::Feature;
using wasm::FeatureBit;
using wasm::Immediate;
using wasm::Opcode;
using x64::Gpr;
using x64::Xmm;

constexpr uint32_t kWeightMax = 1u << 28;
constexpr uint32_t kLoopShift = 3;
constexpr uint32_t kLoopDepthMax = 4;
// A callee-saved register costs a store and a load per call of the function.
constexpr uint32_t kWeightMin = 3;

constexpr bool IsCall(Opcode opcode) {
  switch (opcode) {
    case Opcode::kCall:
    case Opcode::kCallIndirect:
    case Opcode::kMemoryGrow:
    case Opcode::kMemoryInit:
    case Opcode::kMemoryCopy:
    case Opcode::kMemoryFill:
    case Opcode::kDataDrop:
    case Opcode::kTableInit:
    case Opcode::kTableCopy:
    case Opcode::kTableGrow:
    case Opcode::kTableFill:
    case Opcode::kElemDrop:
      return true;
    default:
      return false;
  }
}

constexpr bool ReadsVmContext(Opcode opcode) {
  switch (opcode) {
    case Opcode::kCallIndirect:
    case Opcode::kReturnCallIndirect:
    case Opcode::kGlobalGet:
    case Opcode::kGlobalSet:
    case Opcode::kTableGet:
    case Opcode::kTableSet:
    case Opcode::kTableSize:
    case Opcode::kRefFunc:
    case Opcode::kMemorySize:
      return true;
    default:
      return false;
  }
}

uint32_t Add(uint32_t weight, uint32_t more) {
  return std::min(weight + more, kWeightMax);
}

}  // namespace

void LocalPlan::Clear() {
  pinned_gprs = {};
  pinned_xmms = {};
  lost_locals.clear();
  uses_memory0 = has_calls = has_tail_calls = has_loops = false;
}

class LocalPlanner::Visitor {
 public:
  static constexpr wasm::FeatureBits kFeatures =
      FeatureBit(Feature::kCore) | FeatureBit(Feature::kTailCall);

  Visitor(std::vector<bool>& blocks, bool explicit_bounds, LocalTable& locals, LocalPlan& plan)
      : blocks_(blocks), explicit_bounds_(explicit_bounds), locals_(locals), plan_(plan) {}

  uint32_t call_weight() const { return call_weight_; }

  void BeginOperator(uint32_t offset) {}
  void VisitUnsupported(Opcode opcode) {}
  void VisitLocals(uint32_t count, wasm::ValueType type) {
    locals_.AddRun(count, type.kind(), /*is_param=*/false);
  }
  void EndLocals() {}

#define TP_OPCODE(code, name, text, immediate, signature, feature)                      \
  template <typename... Arguments>                                                      \
  [[gnu::always_inline]] void Visit##name(Arguments... arguments) {                     \
    On<Opcode::k##name, wasm::AccessBytes(Immediate::k##immediate) != 0>(arguments...); \
  }
#include "engine/wasm/opcodes.def"
#undef TP_OPCODE

 private:
  template <Opcode opcode, bool kAccess, typename... Arguments>
  [[gnu::always_inline]] void On(Arguments... arguments) {
    if constexpr (opcode == Opcode::kLocalGet || opcode == Opcode::kLocalSet ||
                  opcode == Opcode::kLocalTee) {
      LocalState& state = locals_.Touch(arguments...);
      state.weight = Add(state.weight, unit_);
    } else if constexpr (opcode == Opcode::kLoop) {
      plan_.has_loops = true;
      blocks_.push_back(true);
      SetLoopDepth(loop_depth_ + 1);
    } else if constexpr (opcode == Opcode::kBlock || opcode == Opcode::kIf) {
      blocks_.push_back(false);
    } else if constexpr (opcode == Opcode::kEnd) {
      if (blocks_.empty()) return;  // The function's own.
      if (blocks_.back()) SetLoopDepth(loop_depth_ - 1);
      blocks_.pop_back();
    } else if constexpr (IsCall(opcode)) {
      plan_.has_calls = true;
      call_weight_ = Add(call_weight_, unit_);
    } else if constexpr (opcode == Opcode::kReturnCall || opcode == Opcode::kReturnCallIndirect) {
      plan_.has_tail_calls = true;
    } else if constexpr (kAccess) {
      Access(arguments...);
    }
    if constexpr (ReadsVmContext(opcode)) UseVmContext();
  }

  void Access(wasm::MemArg access) {
    if (wasm::ToInt(access.memory) == 0) plan_.uses_memory0 = true;
    if (explicit_bounds_ || wasm::ToInt(access.memory) != 0 ||
        access.offset > kUncheckedOffsetMax) {
      UseVmContext();
    }
  }
  template <typename Lane>
  void Access(wasm::MemArg access, Lane lane) {
    Access(access);
  }

  void UseVmContext() {
    LocalState& context = locals_.vm_context();
    context.weight = Add(context.weight, unit_);
  }

  void SetLoopDepth(uint32_t depth) {
    loop_depth_ = depth;
    unit_ = 1u << (kLoopShift * std::min(depth, kLoopDepthMax));
  }

  std::vector<bool>& blocks_;
  const bool explicit_bounds_;
  LocalTable& locals_;
  LocalPlan& plan_;
  uint32_t loop_depth_ = 0;
  uint32_t unit_ = 1;
  uint32_t call_weight_ = 0;
};

void LocalPlanner::Plan(absl::Span<const uint8_t> body,
                        bool explicit_bounds,
                        LocalTable& locals,
                        LocalPlan& plan) {
  plan.Clear();
  blocks_.clear();
  Visitor visitor(blocks_, explicit_bounds, locals, plan);
  wasm::VisitFunctionBody<false>(body, wasm::Features{}, visitor);
  Pin(locals, visitor.call_weight(), plan);
}

namespace {

constexpr uint32_t kVmContextLocal = UINT32_MAX;

// The heaviest locals of one kind, heaviest first; the earlier of equals first.
class Heaviest {
 public:
  struct Candidate {
    uint32_t local;
    uint32_t weight;
  };
  explicit Heaviest(size_t count_max) : count_max_(count_max) {}

  void Offer(uint32_t local, uint32_t weight) {
    if (count_ == count_max_ && (count_ == 0 || weight <= candidates_[count_ - 1].weight)) return;
    size_t at = count_ < count_max_ ? count_++ : count_ - 1;
    for (; at > 0 && candidates_[at - 1].weight < weight; --at) {
      candidates_[at] = candidates_[at - 1];
    }
    candidates_[at] = {local, weight};
  }
  absl::Span<const Candidate> candidates() const { return {candidates_.data(), count_}; }

 private:
  std::array<Candidate, 8> candidates_{};
  const size_t count_max_;
  size_t count_ = 0;
};

}  // namespace

void LocalPlanner::Pin(LocalTable& locals, uint32_t call_weight, LocalPlan& plan) {
  constexpr Gpr kCalleeSaved[] = {Gpr::kRbx, Gpr::kR12, Gpr::kR13, Gpr::kR14, Gpr::kR15};
  constexpr Gpr kCallerSaved[] = {Gpr::kR10, Gpr::kR9, Gpr::kR8};
  const size_t callee_saved_count = plan.uses_memory0 ? 4 : 5;

  Heaviest integers(callee_saved_count + 3);
  Heaviest vectors(7);
  for (const uint32_t local : locals.touched()) {
    const LocalState& state = locals.Touch(local);
    if (state.weight < kWeightMin || state.kind == wasm::ValueKind::kV128) continue;
    (IsVector(state.kind) ? vectors : integers).Offer(local, state.weight);
  }
  if (locals.vm_context().weight >= kWeightMin) {
    integers.Offer(kVmContextLocal, locals.vm_context().weight);
  }

  const uint32_t loss = std::min(2 * call_weight + kWeightMin, kWeightMax);
  size_t callee_saved = 0;
  size_t caller_saved = 0;
  for (const Heaviest::Candidate& candidate : integers.candidates()) {
    const bool is_context = candidate.local == kVmContextLocal;
    LocalState& state = is_context ? locals.vm_context() : locals.Touch(candidate.local);
    // Without calls the registers that need no saving come first.
    const bool lost_first = !plan.has_calls && caller_saved < 3;
    if (!lost_first && callee_saved < callee_saved_count) {
      state.pinned = x64::Number(kCalleeSaved[callee_saved++]);
    } else if (caller_saved < 3 && candidate.weight >= loss && !(is_context && plan.has_calls)) {
      state.pinned = x64::Number(kCallerSaved[caller_saved++]);
      if (!is_context) plan.lost_locals.push_back(candidate.local);
    } else {
      continue;
    }
    plan.pinned_gprs.Add(static_cast<Gpr>(state.pinned));
  }
  uint8_t next_xmm = x64::Number(Xmm::k8);
  for (const Heaviest::Candidate& candidate : vectors.candidates()) {
    if (candidate.weight < loss) break;
    LocalState& state = locals.Touch(candidate.local);
    state.pinned = next_xmm++;
    plan.pinned_xmms.Add(static_cast<Xmm>(state.pinned));
    plan.lost_locals.push_back(candidate.local);
  }
}

}  // namespace tidepool::engine::baseline
