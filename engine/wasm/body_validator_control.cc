// The body validator's part for blocks, branches, calls and exceptions.

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "engine/wasm/body_validator_inline.h"

namespace tidepool::engine::wasm {

// ---- Blocks
// -----------------------------------------------------------------------------------------

bool BodyValidator::CheckBlockType(const BlockType& type) {
  switch (type.form) {
    case BlockType::Form::kEmpty:
      return true;
    case BlockType::Form::kValue:
      return CheckValueType(type.value);
    case BlockType::Form::kFunction:
      return CheckType(type.type);
  }
  return false;
}

BodyValidator::Types BodyValidator::ParamsOf(const BlockType& type) const {
  if (type.form != BlockType::Form::kFunction) return {};
  return module_.types[ToInt(type.type)].params;
}

// Refers to `type`.
BodyValidator::Types BodyValidator::ResultsOf(const BlockType& type) const {
  switch (type.form) {
    case BlockType::Form::kEmpty:
      return {};
    case BlockType::Form::kValue:
      return absl::MakeConstSpan(&type.value, 1);
    case BlockType::Form::kFunction:
      return module_.types[ToInt(type.type)].results;
  }
  return {};
}

BodyValidator::Types BodyValidator::LabelOf(const Frame& frame) const {
  return frame.opcode == Opcode::kLoop ? ParamsOf(frame.type) : ResultsOf(frame.type);
}

bool BodyValidator::FindLabel(uint32_t depth, Types* types) {
  if (depth >= frames_.size()) return Fail(absl::StrCat("unknown label ", depth));
  *types = LabelOf(frames_[frames_.size() - 1 - depth]);
  return true;
}

// The frame's operands begin at the top of the stack.
bool BodyValidator::PushFrame(Opcode opcode, BlockType type) {
  Frame frame;
  frame.type = type;
  frame.height = static_cast<uint32_t>(height());
  frame.initialized = static_cast<uint32_t>(initialized_locals_.size());
  frame.opcode = opcode;
  frames_.push_back(frame);
  SetBase();
  // The function's own parameters are locals, not operands.
  return frames_.size() == 1 || PushTypes(ParamsOf(type));
}

void BodyValidator::PopFrame() {
  const Frame& frame = frames_.back();
  while (initialized_locals_.size() > frame.initialized) {
    initialized_.erase(initialized_locals_.back());
    initialized_locals_.pop_back();
  }
  top_ = stack_.data() + frame.height;
  frames_.pop_back();
  SetBase();
}

bool BodyValidator::Open(Opcode opcode, BlockType type) {
  if (!CheckBlockType(type)) return false;
  const Types params = ParamsOf(type);
  if (!Move(params.size()) || !PopTypes(params)) return false;
  return PushFrame(opcode, type);
}

bool BodyValidator::VisitIf(BlockType type) {
  return Pop(ValueType::I32()) && Open(Opcode::kIf, type);
}

// The block's results are all that it leaves.
bool BodyValidator::PopResults(const Frame& frame) {
  const Types results = ResultsOf(frame.type);
  if (!Move(results.size()) || !PopTypes(results)) return false;
  if (top_ == base_) return true;
  return Fail(
      absl::StrCat("type mismatch: ", top_ - base_, " values remain at the end of a block"));
}

bool BodyValidator::VisitElse() {
  if (frames_.back().opcode != Opcode::kIf) return Fail("else without if");
  if (!PopResults(frames_.back())) return false;
  const BlockType type = frames_.back().type;
  PopFrame();
  return Move(ParamsOf(type).size()) && PushFrame(Opcode::kElse, type);
}

bool BodyValidator::VisitEnd() {
  // A copy, since the results outlive the frame.
  const Frame frame = frames_.back();
  if (!PopResults(frame)) return false;
  const Types results = ResultsOf(frame.type);
  if (frame.opcode == Opcode::kIf) {
    // Without else, the parameters become the results.
    const Types params = ParamsOf(frame.type);
    const bool fits = std::equal(params.begin(),
                                 params.end(),
                                 results.begin(),
                                 results.end(),
                                 [this](ValueType actual, ValueType expected) {
                                   return context_.relations.IsSubtype(actual, expected);
                                 });
    if (!fits) return Fail("type mismatch: if without else has other results than parameters");
  }
  PopFrame();
  if (!frames_.empty()) return PushTypes(results);
  if (offset_ + 1 == body_->code.size()) return true;
  return Fail("operators behind the end of the body");
}

void BodyValidator::MarkUnreachable() {
  top_ = base_;
  frames_.back().unreachable = true;
}

bool BodyValidator::VisitUnreachable() {
  MarkUnreachable();
  return true;
}

// ---- Branches
// ---------------------------------------------------------------------------------------

bool BodyValidator::VisitBr(uint32_t depth) {
  Types label;
  if (!FindLabel(depth, &label) || !Move(label.size()) || !PopTypes(label)) return false;
  MarkUnreachable();
  return true;
}

bool BodyValidator::VisitBrIf(uint32_t depth) {
  Types label;
  if (!FindLabel(depth, &label) || !Move(label.size())) return false;
  if (!Pop(ValueType::I32()) || !PopTypes(label)) return false;
  return PushTypes(label);
}

bool BodyValidator::VisitBrTable(BrTableReader targets) {
  if (targets.count() > kBrTableTargetCountMax) {
    return Fail(absl::StrCat(
        "br_table with ", targets.count(), " targets, the limit is ", kBrTableTargetCountMax));
  }
  if (!Pop(ValueType::I32())) return false;
  size_t arity = 0;
  uint32_t last_depth = 0;
  for (uint32_t i = 0; i <= targets.count(); ++i) {
    const uint32_t depth = targets.Next();
    // Runs of one target are common.
    if (i != 0 && depth == last_depth) {
      if (!Move(arity)) return false;
      continue;
    }
    Types label;
    if (!FindLabel(depth, &label) || !Move(label.size())) return false;
    if (i != 0 && label.size() != arity) {
      return Fail("type mismatch: targets take different numbers of values");
    }
    if (!MatchTop(label)) return false;
    arity = label.size();
    last_depth = depth;
  }
  MarkUnreachable();
  return true;
}

bool BodyValidator::VisitReturn() {
  const Types results = type_->results;
  if (!Move(results.size()) || !PopTypes(results)) return false;
  MarkUnreachable();
  return true;
}

bool BodyValidator::VisitBrOnNull(uint32_t depth) {
  ValueType reference;
  Types label;
  if (!FindLabel(depth, &label) || !Move(label.size())) return false;
  if (!PopRef(&reference) || !PopTypes(label)) return false;
  if (!PushTypes(label)) return false;
  Push(reference.is_ref() ? ValueType::Ref(reference.heap(), /*nullable=*/false) : reference);
  return true;
}

bool BodyValidator::VisitBrOnNonNull(uint32_t depth) {
  ValueType reference;
  Types label;
  if (!FindLabel(depth, &label) || !Move(label.size()) || !PopRef(&reference)) return false;
  if (label.empty() || !label.back().is_ref()) {
    return Fail("type mismatch: the label takes no reference");
  }
  const ValueType non_null =
      reference.is_ref() ? ValueType::Ref(reference.heap(), /*nullable=*/false) : reference;
  if (!context_.relations.IsSubtype(non_null, label.back())) {
    return Mismatch(label.back(), non_null);
  }
  label.remove_suffix(1);
  if (!PopTypes(label)) return false;
  return PushTypes(label);
}

// ---- Calls
// ------------------------------------------------------------------------------------------

bool BodyValidator::VisitCall(FunctionIndex function) {
  if (!CheckFunction(function)) return false;
  const FunctionType& type = module_.TypeOf(function);
  if (!Move(type.params.size() + type.results.size()) || !PopTypes(type.params)) return false;
  return PushTypes(type.results);
}

// The index of a call_indirect, and what it must find in the table.
bool BodyValidator::PopCallee(TypeIndex type, TableIndex table) {
  ValueType address;
  if (!CheckTable(table, &address) || !CheckType(type)) return false;
  const ValueType element = module_.tables[ToInt(table)].type.element;
  if (!context_.relations.IsSubtype(element, ValueType::FuncRef())) {
    return Mismatch(ValueType::FuncRef(), element);
  }
  return Pop(address);
}

bool BodyValidator::VisitCallIndirect(TypeIndex type, TableIndex table) {
  if (!PopCallee(type, table)) return false;
  const FunctionType& callee = module_.types[ToInt(type)];
  if (!Move(callee.params.size() + callee.results.size()) || !PopTypes(callee.params)) return false;
  return PushTypes(callee.results);
}

bool BodyValidator::VisitCallRef(TypeIndex type) {
  if (!CheckType(type) || !Pop(ValueType::Ref(ConcreteHeapType(type), /*nullable=*/true))) {
    return false;
  }
  const FunctionType& callee = module_.types[ToInt(type)];
  if (!Move(callee.params.size() + callee.results.size()) || !PopTypes(callee.params)) return false;
  return PushTypes(callee.results);
}

// A tail call ends the function: pops the callee's parameters, whose results must be ours.
bool BodyValidator::CheckTailResults(const FunctionType& type) {
  const bool fits = std::equal(type.results.begin(),
                               type.results.end(),
                               type_->results.begin(),
                               type_->results.end(),
                               [this](ValueType actual, ValueType expected) {
                                 return context_.relations.IsSubtype(actual, expected);
                               });
  if (!fits) return Fail("type mismatch: a tail call must have the results of its function");
  if (!Move(type.params.size() + type.results.size()) || !PopTypes(type.params)) return false;
  MarkUnreachable();
  return true;
}

bool BodyValidator::VisitReturnCall(FunctionIndex function) {
  return CheckFunction(function) && CheckTailResults(module_.TypeOf(function));
}

bool BodyValidator::VisitReturnCallIndirect(TypeIndex type, TableIndex table) {
  return PopCallee(type, table) && CheckTailResults(module_.types[ToInt(type)]);
}

bool BodyValidator::VisitReturnCallRef(TypeIndex type) {
  return CheckType(type) && Pop(ValueType::Ref(ConcreteHeapType(type), /*nullable=*/true)) &&
         CheckTailResults(module_.types[ToInt(type)]);
}

// ---- Exceptions
// -------------------------------------------------------------------------------------

bool BodyValidator::VisitThrow(TagIndex tag) {
  if (ToInt(tag) >= module_.tags.size()) return Fail(absl::StrCat("unknown tag ", ToInt(tag)));
  const FunctionType& type = module_.types[ToInt(module_.tags[ToInt(tag)].type)];
  if (!Move(type.params.size()) || !PopTypes(type.params)) return false;
  MarkUnreachable();
  return true;
}

bool BodyValidator::VisitThrowRef() {
  if (!Pop(ValueType::Ref(HeapType::kExn, /*nullable=*/true))) return false;
  MarkUnreachable();
  return true;
}

// What the clause delivers must be what its label takes.
bool BodyValidator::CheckCatch(const CatchClause& clause) {
  Types params;
  if (clause.kind <= CatchClause::Kind::kCatchRef) {
    if (ToInt(clause.tag) >= module_.tags.size()) {
      return Fail(absl::StrCat("unknown tag ", ToInt(clause.tag)));
    }
    params = module_.types[ToInt(module_.tags[ToInt(clause.tag)].type)].params;
  }
  Types label;
  if (!FindLabel(clause.depth, &label) || !Move(label.size())) return false;
  const bool with_exception =
      clause.kind == CatchClause::Kind::kCatchRef || clause.kind == CatchClause::Kind::kCatchAllRef;
  const ValueType exception = ValueType::Ref(HeapType::kExn, /*nullable=*/false);
  if (label.size() != params.size() + (with_exception ? 1 : 0)) {
    return Fail(
        "type mismatch: a catch clause delivers another number of values than its label takes");
  }
  for (size_t i = 0; i < label.size(); ++i) {
    const ValueType actual = i < params.size() ? params[i] : exception;
    if (!context_.relations.IsSubtype(actual, label[i])) return Mismatch(label[i], actual);
  }
  return true;
}

bool BodyValidator::VisitTryTable(BlockType type, CatchReader catches) {
  // Their labels are those around the block.
  for (uint32_t i = 0; i < catches.count(); ++i) {
    if (!CheckCatch(catches.Next())) return false;
  }
  return Open(Opcode::kTryTable, type);
}

}  // namespace tidepool::engine::wasm
