// BodyValidator types function bodies: the visitor behind Validate.
//
// Shape    An operand stack of types and a stack of open blocks, as in the specification's
//          algorithm; nesting costs heap, never native stack.  Fast paths compare exact types at
//          the top of the stack; everything else (subtypes, unreachable code, errors) is slow.
// Life     One object for all bodies of a module, so that its stacks are allocated once.
// Threads  One thread at a time.
// Source   wasm core 3.4 and appendix "Validation Algorithm".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/types/span.h"

#include "engine/wasm/function_body.h"
#include "engine/wasm/limits.h"
#include "engine/wasm/local_types.h"
#include "engine/wasm/module.h"
#include "engine/wasm/opcodes.h"
#include "engine/wasm/type_relations.h"

namespace tidepool::engine::wasm {

// What all bodies of a module are typed against.  All of it must outlive the validator.
struct BodyContext {
  const Module& module;
  const Features& features;
  const TypeRelations& relations;
  const std::vector<bool>& declared;  // Functions that ref.func may name.
};

class BodyValidator {
 public:
  explicit BodyValidator(const BodyContext& context);

  absl::Status Validate(FunctionIndex function);

  // ---- The visitor -----------------------------------------------------------------------------
  static constexpr FeatureBits kFeatures = kAllFeatures & ~FeatureBit(Feature::kGc);
  void BeginOperator(uint32_t offset) { offset_ = offset; }
  void VisitUnsupported(Opcode opcode);
  bool VisitLocals(uint32_t count, ValueType type);
  void EndLocals();

  // Operators whose rows in opcodes.def say everything.
#define TP_SPECIAL_OPCODE(code, name, text, immediate, signature, feature)
#define TP_OPCODE(code, name, text, immediate, signature, feature)                   \
  bool Visit##name(auto... arguments) {                                              \
    return Fixed<Immediate::k##immediate, ParseSignature(#signature)>(arguments...); \
  }
#include "engine/wasm/opcodes.def"
#undef TP_OPCODE

  // body_validator_control.cc
  bool VisitUnreachable();
  bool VisitBlock(BlockType type) {
    return Open(Opcode::kBlock, type);
  }
  bool VisitLoop(BlockType type) {
    return Open(Opcode::kLoop, type);
  }
  bool VisitIf(BlockType type);
  bool VisitElse();
  bool VisitEnd();
  bool VisitBr(uint32_t depth);
  bool VisitBrIf(uint32_t depth);
  bool VisitBrTable(BrTableReader targets);
  bool VisitReturn();
  bool VisitCall(FunctionIndex function);
  bool VisitCallIndirect(TypeIndex type, TableIndex table);
  bool VisitCallRef(TypeIndex type);
  bool VisitReturnCall(FunctionIndex function);
  bool VisitReturnCallIndirect(TypeIndex type, TableIndex table);
  bool VisitReturnCallRef(TypeIndex type);
  bool VisitThrow(TagIndex tag);
  bool VisitThrowRef();
  bool VisitTryTable(BlockType type, CatchReader catches);
  bool VisitBrOnNull(uint32_t depth);
  bool VisitBrOnNonNull(uint32_t depth);

  // Below.
  bool VisitDrop();
  bool VisitLocalGet(uint32_t local);
  bool VisitLocalSet(uint32_t local);
  bool VisitLocalTee(uint32_t local);
  bool VisitGlobalGet(GlobalIndex global);
  bool VisitGlobalSet(GlobalIndex global);

  // body_validator_operators.cc
  bool VisitSelect();
  bool VisitSelectTyped(ValueType type);
  bool VisitTableGet(TableIndex table);
  bool VisitTableSet(TableIndex table);
  bool VisitTableGrow(TableIndex table);
  bool VisitTableSize(TableIndex table);
  bool VisitTableFill(TableIndex table);
  bool VisitTableCopy(TableIndex to, TableIndex from);
  bool VisitTableInit(ElementIndex segment, TableIndex table);
  bool VisitElemDrop(ElementIndex segment);
  bool VisitDataDrop(DataIndex segment);
  bool VisitMemoryCopy(MemoryIndex to, MemoryIndex from);
  bool VisitRefNull(HeapType heap);
  bool VisitRefIsNull();
  bool VisitRefFunc(FunctionIndex function);
  bool VisitRefAsNonNull();

 private:
  using Types = absl::Span<const ValueType>;

  // An open block.  Its labels and results are found by its type.
  struct Frame {
    BlockType type;
    uint32_t height = 0;       // Of the operand stack below the block's own operands.
    uint32_t initialized = 0;  // Of initialized_locals_, at its start.
    Opcode opcode = Opcode::kBlock;
    bool unreachable = false;
  };

  // ---- Fixed signatures ------------------------------------------------------------------------
  template <Immediate kImmediate, Signature kSignature>
  bool Fixed(auto... arguments) {
    ValueType address = ValueType::I32();
    return CheckImmediate<kImmediate>(arguments..., &address) && Apply<kSignature>(address);
  }
  template <Immediate kImmediate>
  bool CheckImmediate(ValueType* address) {
    return true;
  }
  template <Immediate kImmediate, typename Constant>
  bool CheckImmediate(Constant constant, ValueType* address) {
    return true;
  }
  template <Immediate kImmediate>
  bool CheckImmediate(MemArg access, ValueType* address);
  template <Immediate kImmediate>
  bool CheckImmediate(MemArg access, uint8_t lane, ValueType* address);
  template <Immediate kImmediate>
  bool CheckImmediate(uint8_t lane, ValueType* address);
  template <Immediate kImmediate>
  bool CheckImmediate(V128Bytes value, ValueType* address) {
    return kImmediate != Immediate::kShuffle || CheckShuffle(value);
  }
  template <Immediate kImmediate>
  bool CheckImmediate(MemoryIndex memory, ValueType* address) {
    return CheckMemory(memory, address);
  }
  template <Immediate kImmediate>
  bool CheckImmediate(DataIndex segment, MemoryIndex memory, ValueType* address) {
    return CheckData(segment) && CheckMemory(memory, address);
  }
  static constexpr ValueType TypeOf(Operand operand, ValueType address);
  template <Signature kSignature>
  bool Apply(ValueType address);
  bool ApplySlow(const Signature& signature, ValueType address);

  // ---- The operand stack -----------------------------------------------------------------------
  void Push(ValueType type);
  bool Pop(ValueType expected);
  bool PopSlow(ValueType expected);
  bool PopAny(ValueType* actual);
  bool PopRef(ValueType* actual);
  bool PopTypes(Types types);
  bool PushTypes(Types types);
  // As if popped and pushed back.
  bool MatchTop(Types types);
  void Grow(size_t count);
  size_t height() const;

  // ---- Blocks ----------------------------------------------------------------------------------
  bool Open(Opcode opcode, BlockType type);
  // With the block's parameters as its operands.
  bool PushFrame(Opcode opcode, BlockType type);
  void PopFrame();
  void SetBase();
  bool PopResults(const Frame& frame);
  void MarkUnreachable();
  Types ParamsOf(const BlockType& type) const;
  Types ResultsOf(const BlockType& type) const;
  // What a branch to the frame takes.
  Types LabelOf(const Frame& frame) const;
  bool FindLabel(uint32_t depth, Types* types);
  bool CheckBlockType(const BlockType& type);
  bool CheckCatch(const CatchClause& clause);
  bool CheckTailResults(const FunctionType& type);
  bool PopCallee(TypeIndex type, TableIndex table);

  // ---- Index spaces ----------------------------------------------------------------------------
  bool CheckType(TypeIndex type);
  bool CheckValueType(ValueType type);
  bool CheckFunction(FunctionIndex function);
  bool CheckMemory(MemoryIndex memory, ValueType* address);
  bool CheckMemorySlow(MemoryIndex memory, ValueType* address);
  bool CheckTable(TableIndex table, ValueType* address);
  bool CheckElement(ElementIndex segment);
  bool CheckData(DataIndex segment);
  bool CheckShuffle(V128Bytes lanes);
  bool FailAccess(const MemArg& access, uint32_t natural_log2);

  // ---- Locals ----------------------------------------------------------------------------------
  bool FindLocal(uint32_t local, ValueType* type) {
    return locals_.Find(local, type) || FailLocal(local);
  }
  bool FailLocal(uint32_t local);
  bool CheckInitialized(uint32_t local, ValueType type);
  void MarkInitialized(uint32_t local);

  // Values declared or moved as a whole; see kMovedValueCountBase.
  bool Move(size_t count);
  bool FailMoved();

  // Always false.  The first one is kept.
  bool Fail(std::string message);
  bool Mismatch(ValueType expected, ValueType actual);
  absl::Status ErrorAt(uint32_t offset, const std::string& message) const;
  Opcode CurrentOpcode() const;

  // Constant after construction.
  const Module& module_;
  const BodyContext context_;
  const uint64_t moved_value_count_max_;
  ValueType memory0_address_;

  // The current body.
  FunctionIndex function_{};
  const FunctionType* type_ = nullptr;
  const FunctionBody* body_ = nullptr;
  uint32_t offset_ = 0;  // Of the current operator, in the body.
  std::string failure_;

  LocalTypes locals_;
  bool has_uninitialized_locals_ = false;
  absl::flat_hash_set<uint32_t> initialized_;  // Of those without default value.
  std::vector<uint32_t> initialized_locals_;   // The same, in order, to undo at a block's end.

  // The operand stack is stack_[0] to top_; base_ is where the current block's operands begin.
  std::vector<ValueType> stack_;
  ValueType* top_ = nullptr;
  ValueType* base_ = nullptr;
  ValueType* limit_ = nullptr;
  std::vector<Frame> frames_;

  uint64_t moved_value_count_ = 0;  // Over all bodies.
};

}  // namespace tidepool::engine::wasm
