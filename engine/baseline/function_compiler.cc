#include "engine/baseline/function_compiler.h"

#include "absl/strings/str_cat.h"

namespace tidepool::engine::baseline {

using wasm::ValueKind;
using x64::ArithmeticOp;
using x64::Condition;
using x64::Gpr;
using x64::GprSet;
using x64::Mem;
using x64::Width;
using x64::Xmm;
using x64::XmmSet;

namespace thread_control = abi::thread_control;

namespace {

// Hands the operators that can be reached to the compiler, and of the others only what nests.  A
// template, so that operators of other features need no method in the compiler.
template <typename Compiler>
class BodyVisitor {
 public:
  static constexpr wasm::FeatureBits kFeatures = Compiler::kFeatures;

  explicit BodyVisitor(Compiler& compiler) : compiler_(compiler) {}

  wasm::Opcode unsupported() const { return unsupported_; }
  void VisitUnsupported(wasm::Opcode opcode) { unsupported_ = opcode; }
  void VisitLocals(uint32_t count, wasm::ValueType type) {}
  void EndLocals() {}
  void BeginOperator(uint32_t offset) { compiler_.BeginOperator(offset); }

#define TP_OPCODE(code, name, text, immediate, signature, feature)                            \
  template <typename... Arguments>                                                            \
  [[gnu::always_inline]] void Visit##name(Arguments... arguments) {                           \
    constexpr bool kNests = ((code) >= 0x02 && (code) <= 0x05) || (code) == 0x0B;             \
    if (kNests || __builtin_expect(compiler_.live(), 1)) compiler_.Visit##name(arguments...); \
  }
#include "engine/wasm/opcodes.def"
#undef TP_OPCODE

 private:
  Compiler& compiler_;
  wasm::Opcode unsupported_{};
};

constexpr GprSet kOperandGprs = GprSet::Of(
    Gpr::kRax, Gpr::kRcx, Gpr::kRdx, Gpr::kRsi, Gpr::kRdi, Gpr::kR8, Gpr::kR9, Gpr::kR10);
constexpr uint32_t kFunctionTextBytesMax = 1u << 30;

XmmSet OperandXmms() {
  XmmSet set;
  for (uint8_t i = 0; i < x64::Number(kScratchXmm); ++i) set.Add(static_cast<Xmm>(i));
  return set;
}

}  // namespace

absl::Status FunctionCompiler::Compile(wasm::FunctionIndex function, CodeChunk& chunk) {
  BeginFunction(function, chunk);
  BodyVisitor<FunctionCompiler> visitor(*this);
  const wasm::BodyResult result =
      wasm::VisitFunctionBody<false>(code_, context_.options.wasm_features, visitor);
  if (result.outcome == wasm::BodyResult::Outcome::kStopped) {
    const absl::string_view name = wasm::ToString(visitor.unsupported());
    return absl::UnimplementedError(absl::StrCat("the baseline tier does not compile ",
                                                 name,
                                                 " (at byte ",
                                                 body_offset_ + result.offset,
                                                 ")"));
  }
  EmitEpilogue();
  EmitOutOfLine();
  EmitPrologue();
  EmitJumpTables();
  if (assembler_.offset() > kFunctionTextBytesMax) {
    return absl::ResourceExhaustedError(absl::StrCat("the code of function ",
                                                     wasm::ToInt(function),
                                                     " passes ",
                                                     kFunctionTextBytesMax,
                                                     " bytes"));
  }
  Join();
  return absl::OkStatus();
}

void FunctionCompiler::BeginFunction(wasm::FunctionIndex function, CodeChunk& chunk) {
  const wasm::FunctionBody& body = module_.BodyOf(function);
  type_ = &module_.TypeOf(function);
  code_ = body.code;
  body_offset_ = body.offset;
  operator_offset_ = 0;
  live_ = true;
  dead_blocks_ = 0;
  serial_ = 0;
  table_serial_ = 0;
  assembler_.Clear();
  prologue_.Clear();
  controls_.clear();
  labels_.clear();
  out_of_line_.clear();
  jump_tables_.clear();
  jump_targets_.clear();
  chunk_ = &chunk;
  first_trap_site_ = chunk.trap_sites.size();
  first_address_ = chunk.address_map.size();
  first_call_ = chunk.calls.size();
  // The entry's stack check belongs to the function's first operator.
  if (context_.options.address_map) chunk.address_map.push_back({0, body_offset_});

  LocalTable& locals = stack_.locals();
  locals.BeginFunction();
  for (const wasm::ValueType param : type_->params)
    locals.AddRun(1, param.kind(), /*is_param=*/true);
  planner_.Plan(code_, context_.options.bounds == Bounds::kExplicit, locals, plan_);
  uses_vm_context_ = plan_.has_calls || plan_.has_tail_calls || locals.vm_context().weight != 0;
  stack_.BeginFunction(kOperandGprs.Without(plan_.pinned_gprs),
                       OperandXmms().Without(plan_.pinned_xmms));

  Control control;
  control.kind = Control::Kind::kFunction;
  control.label = NewLabel();
  control.serial = ++serial_;
  control.type = type_;
  controls_.push_back(control);
  CacheParameters();
}

void FunctionCompiler::NoteAddress() {
  if (!context_.options.address_map) return;
  const uint32_t offset = wasm_offset();
  if (chunk_->address_map.back().wasm_offset == offset) return;
  chunk_->address_map.push_back({assembler_.offset(), offset});
}

// ---- Out of line
// ----------------------------------------------------------------------------------

void FunctionCompiler::TrapIf(Condition condition, TrapCode code) {
  // One way out serves all tests of an operator for one trap.
  if (out_of_line_.empty() || out_of_line_.back().trap != code ||
      out_of_line_.back().wasm_offset != wasm_offset()) {
    out_of_line_.push_back({.trap = code, .wasm_offset = wasm_offset()});
  }
  assembler_.Jcc(condition, out_of_line_.back().entry);
}

void FunctionCompiler::TrapAlways(TrapCode code) {
  NoteAddress();
  assembler_.MovImm(Gpr::kRdi, static_cast<uint64_t>(code));
  assembler_.Call(Mem::Gs(thread_control::kRaiseTrap));
}

void FunctionCompiler::CheckInterrupt() {
  OutOfLine& slow = out_of_line_.emplace_back();
  slow.wasm_offset = wasm_offset();
  assembler_.Arithmetic(
      ArithmeticOp::kCmp, Width::k64, Gpr::kRsp, Mem::Gs(thread_control::kStackLimit));
  assembler_.Jcc(Condition::kBelow, slow.entry);
  slow.resume = assembler_.Here();
}

void FunctionCompiler::EmitOutOfLine() {
  for (OutOfLine& slow : out_of_line_) {
    assembler_.Bind(slow.entry);
    if (context_.options.address_map) {
      chunk_->address_map.push_back({assembler_.offset(), slow.wasm_offset});
    }
    if (slow.trap == TrapCode::kNone) {
      assembler_.Call(Mem::Gs(thread_control::kInterrupt));
      assembler_.Jmp(slow.resume);
    } else {
      assembler_.MovImm(Gpr::kRdi, static_cast<uint64_t>(slow.trap));
      assembler_.Call(Mem::Gs(thread_control::kRaiseTrap));
    }
  }
}

void FunctionCompiler::EmitJumpTables() {
  if (jump_tables_.empty()) return;
  assembler_.Align(4);
  for (JumpTable& table : jump_tables_) {
    assembler_.Bind(table.start);
    for (uint32_t i = 0; i < table.count; ++i) {
      const uint32_t target = labels_[jump_targets_[table.first_target + i]].offset();
      assembler_.Word32(static_cast<int32_t>(target - table.start.offset()));
    }
  }
}

// ---- What comes next
// ------------------------------------------------------------------------------

const uint8_t* FunctionCompiler::NextOperator(uint32_t immediates) const {
  const uint8_t* at = code_.data() + operator_offset_;
  if (*at++ >= 0xFB) ++immediates;  // The number behind a prefix.
  for (; immediates > 0; --immediates) {
    while (*at++ >= 0x80) {
    }
  }
  return at;
}

bool FunctionCompiler::NextUsesFlags() const {
  switch (*NextOperator(0)) {
    case 0x04:  // if
    case 0x0D:  // br_if
    case 0x1B:  // select
    case 0x1C:
    case 0x45:
      return true;  // i32.eqz
    default:
      return false;
  }
}

uint8_t FunctionCompiler::PinnedTarget(uint32_t immediates, bool vector) {
  const uint8_t* next = NextOperator(immediates);
  if (*next != 0x21 && *next != 0x22) return kNoRegister;  // local.set, local.tee
  uint32_t local = 0;
  uint8_t byte;
  int shift = 0;
  do {
    byte = *++next;
    local |= static_cast<uint32_t>(byte & 0x7F) << shift;
    shift += 7;
  } while (byte >= 0x80);
  LocalState& state = stack_.locals().Touch(local);
  if (state.pinned == kNoRegister || IsVector(state.kind) != vector) return kNoRegister;
  stack_.Detach(state);
  return state.pinned;
}

Gpr FunctionCompiler::ResultGpr(uint32_t immediates, uint8_t reusable) {
  const uint8_t target = PinnedTarget(immediates, /*vector=*/false);
  if (target != kNoRegister) return static_cast<Gpr>(target);
  if (reusable != kNoRegister) return static_cast<Gpr>(reusable);
  return stack_.NewGpr();
}

Xmm FunctionCompiler::ResultXmm(uint32_t immediates, uint8_t reusable) {
  const uint8_t target = PinnedTarget(immediates, /*vector=*/true);
  if (target != kNoRegister) return static_cast<Xmm>(target);
  if (reusable != kNoRegister) return static_cast<Xmm>(reusable);
  return stack_.NewXmm();
}

void FunctionCompiler::PushComparison(FlagTest test) {
  stack_.PushFlags(test);
  if (NextUsesFlags()) return;
  stack_.BeginOperator();  // The operands have served.
  const Gpr to = ResultGpr();
  stack_.PopGprTo(to);
  stack_.PushGpr(ValueKind::kI32, to);
}

// ---- Joining
// --------------------------------------------------------------------------------------

// Prologue and body, behind what the chunk has.
void FunctionCompiler::Join() {
  constexpr uint32_t kAlignment = 16;
  CodeChunk& chunk = *chunk_;
  const uint32_t start = (chunk.text.bytes() + kAlignment - 1) & ~(kAlignment - 1);
  const uint32_t body_start = start + prologue_.offset();
  const uint32_t bytes = prologue_.offset() + assembler_.offset();
  const uint32_t gap = start - chunk.text.bytes();
  uint8_t* to = chunk.text.Extend(gap + bytes);
  std::memset(to, 0xCC, gap);  // int3: never executed.
  std::memcpy(to + gap, prologue_.buffer().data(), prologue_.offset());
  std::memcpy(to + gap + prologue_.offset(), assembler_.buffer().data(), assembler_.offset());
  chunk.functions.push_back({start, bytes});

  for (size_t i = first_trap_site_; i < chunk.trap_sites.size(); ++i) {
    chunk.trap_sites[i].text_offset += body_start;
  }
  for (size_t i = first_call_; i < chunk.calls.size(); ++i) {
    chunk.calls[i].field_offset += body_start;
  }
  if (!context_.options.address_map) return;
  chunk.address_map[first_address_].text_offset = start;
  for (size_t i = first_address_ + 1; i < chunk.address_map.size(); ++i) {
    chunk.address_map[i].text_offset += body_start;
  }
}

}  // namespace tidepool::engine::baseline
