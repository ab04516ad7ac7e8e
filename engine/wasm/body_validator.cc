#include "engine/wasm/body_validator.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "engine/wasm/body_validator_inline.h"
#include "engine/wasm/name_section.h"

namespace tidepool::engine::wasm {
namespace {

constexpr size_t kFirstStackCapacity = 256;

// Zero, or null for a nullable reference.
bool HasDefault(ValueType type) {
  return !type.is_ref() || type.nullable();
}

}  // namespace

BodyValidator::BodyValidator(const BodyContext& context)
    : module_(context.module),
      context_(context),
      moved_value_count_max_(kMovedValueCountBase +
                             kMovedValuesPerCodeByte * context.module.code_section_bytes) {
  if (!module_.memories.empty()) {
    memory0_address_ =
        module_.memories[0].type.address == AddressType::kI64 ? ValueType::I64() : ValueType::I32();
  }
  stack_.resize(kFirstStackCapacity);
  top_ = base_ = stack_.data();
  limit_ = top_ + stack_.size();
}

absl::Status BodyValidator::Validate(FunctionIndex function) {
  function_ = function;
  type_ = &module_.TypeOf(function);
  body_ = &module_.BodyOf(function);
  offset_ = 0;
  locals_.Reset(type_->params);
  has_uninitialized_locals_ = false;
  initialized_.clear();
  initialized_locals_.clear();
  frames_.clear();
  top_ = base_ = stack_.data();
  PushFrame(Opcode::kBlock,
            {BlockType::Form::kFunction, ValueType(), module_.functions[ToInt(function)].type});

  const BodyResult result = VisitFunctionBody<true>(body_->code, context_.features, *this);
  switch (result.outcome) {
    case BodyResult::Outcome::kDone:
      break;
    case BodyResult::Outcome::kMalformed:
      return ErrorAt(result.offset, result.what);
    case BodyResult::Outcome::kStopped:
      return ErrorAt(result.offset, failure_);
  }
  if (!frames_.empty()) {
    return ErrorAt(
        static_cast<uint32_t>(body_->code.size()),
        absl::StrCat("unexpected end of the body, ", frames_.size(), " blocks are open"));
  }
  return absl::OkStatus();
}

void BodyValidator::VisitUnsupported(Opcode opcode) {
  Fail(absl::StrCat(ToString(opcode), " is not supported"));
}

// ---- Locals
// ---------------------------------------------------------------------------------------

bool BodyValidator::VisitLocals(uint32_t count, ValueType type) {
  if (count > kLocalCountMax || locals_.count() + count > kLocalCountMax) {
    return Fail(absl::StrCat("more than ", kLocalCountMax, " locals"));
  }
  if (!CheckValueType(type)) return false;
  locals_.Add(count, type);
  if (count != 0 && !HasDefault(type)) has_uninitialized_locals_ = true;
  return true;
}

void BodyValidator::EndLocals() {
  locals_.Seal();
  // If that is too much, the first operator that moves something says so.
  moved_value_count_ += locals_.count() + type_->results.size();
}

bool BodyValidator::FailLocal(uint32_t local) {
  return Fail(absl::StrCat("unknown local ", local));
}

bool BodyValidator::CheckInitialized(uint32_t local, ValueType type) {
  if (HasDefault(type) || local < type_->params.size() || initialized_.contains(local)) return true;
  return Fail(absl::StrCat("uninitialized local ", local));
}

void BodyValidator::MarkInitialized(uint32_t local) {
  ValueType type;
  if (!FindLocal(local, &type) || HasDefault(type)) return;
  if (initialized_.insert(local).second) initialized_locals_.push_back(local);
}

// ---- The operand stack
// ------------------------------------------------------------------------------

void BodyValidator::Grow(size_t count) {
  const size_t height = this->height();
  stack_.resize(std::max(height + count, 2 * stack_.size()));
  top_ = stack_.data() + height;
  limit_ = stack_.data() + stack_.size();
  SetBase();
}

bool BodyValidator::PopSlow(ValueType expected) {
  if (top_ == base_) {
    // Unreachable code may take whatever it wants.
    if (!frames_.empty() && frames_.back().unreachable) return true;
    return Fail(absl::StrCat("type mismatch: expected ",
                             expected == ValueType::Bottom() ? "a value" : ToString(expected),
                             ", the stack is empty"));
  }
  const ValueType actual = *--top_;
  return context_.relations.IsSubtype(actual, expected) || Mismatch(expected, actual);
}

bool BodyValidator::PopRef(ValueType* actual) {
  if (!PopAny(actual)) return false;
  if (actual->is_ref() || actual->kind() == ValueKind::kBottom) return true;
  return Fail(absl::StrCat("type mismatch: expected a reference, found ", ToString(*actual)));
}

bool BodyValidator::PopTypes(Types types) {
  const size_t count = types.size();
  if (count == 0) return true;
  if (static_cast<size_t>(top_ - base_) >= count &&
      std::memcmp(top_ - count, types.data(), count * sizeof(ValueType)) == 0) {
    top_ -= count;
    return true;
  }
  for (size_t i = count; i-- > 0;) {
    if (!Pop(types[i])) return false;
  }
  return true;
}

bool BodyValidator::PushTypes(Types types) {
  const size_t operand_count_max = kOperandCountBase + body_->code.size();
  if (height() + types.size() > operand_count_max) {
    return Fail(absl::StrCat("more than ",
                             operand_count_max,
                             " operands on the stack (limit ",
                             kOperandCountBase,
                             " + bytes of the body)"));
  }
  if (static_cast<size_t>(limit_ - top_) < types.size()) Grow(types.size());
  if (!types.empty()) std::memcpy(top_, types.data(), types.size() * sizeof(ValueType));
  top_ += types.size();
  return true;
}

bool BodyValidator::MatchTop(Types types) {
  const size_t count = types.size();
  const size_t present = std::min(count, static_cast<size_t>(top_ - base_));
  if (present < count && !frames_.back().unreachable) {
    return Fail(absl::StrCat("type mismatch: expected ", count, " values, found ", present));
  }
  if (present == 0) return true;
  const ValueType* expected = types.data() + (count - present);
  const ValueType* actual = top_ - present;
  if (std::memcmp(actual, expected, present * sizeof(ValueType)) == 0) return true;
  for (size_t i = present; i-- > 0;) {
    if (!context_.relations.IsSubtype(actual[i], expected[i])) {
      return Mismatch(expected[i], actual[i]);
    }
  }
  return true;
}

bool BodyValidator::ApplySlow(const Signature& signature, ValueType address) {
  for (int i = signature.param_count; i-- > 0;) {
    if (!Pop(TypeOf(signature.params[i], address))) return false;
  }
  for (int i = 0; i < signature.result_count; ++i) Push(TypeOf(signature.results[i], address));
  return true;
}

// ---- Index spaces
// -----------------------------------------------------------------------------------

bool BodyValidator::CheckType(TypeIndex type) {
  return ToInt(type) < module_.types.size() || Fail(absl::StrCat("unknown type ", ToInt(type)));
}

bool BodyValidator::CheckValueType(ValueType type) {
  return !type.is_ref() || !IsConcrete(type.heap()) || CheckType(TypeIndexOf(type.heap()));
}

bool BodyValidator::CheckFunction(FunctionIndex function) {
  return ToInt(function) < module_.functions.size() ||
         Fail(absl::StrCat("unknown function ", ToInt(function)));
}

bool BodyValidator::CheckMemorySlow(MemoryIndex memory, ValueType* address) {
  if (ToInt(memory) >= module_.memories.size()) {
    return Fail(absl::StrCat("unknown memory ", ToInt(memory)));
  }
  const bool wide = module_.memories[ToInt(memory)].type.address == AddressType::kI64;
  *address = wide ? ValueType::I64() : ValueType::I32();
  return true;
}

bool BodyValidator::CheckTable(TableIndex table, ValueType* address) {
  if (ToInt(table) >= module_.tables.size()) {
    return Fail(absl::StrCat("unknown table ", ToInt(table)));
  }
  const bool wide = module_.tables[ToInt(table)].type.address == AddressType::kI64;
  *address = wide ? ValueType::I64() : ValueType::I32();
  return true;
}

bool BodyValidator::CheckElement(ElementIndex segment) {
  return ToInt(segment) < module_.elements.size() ||
         Fail(absl::StrCat("unknown element segment ", ToInt(segment)));
}

bool BodyValidator::CheckData(DataIndex segment) {
  if (!module_.data_count.has_value()) return Fail("data count section required");
  return ToInt(segment) < *module_.data_count ||
         Fail(absl::StrCat("unknown data segment ", ToInt(segment)));
}

bool BodyValidator::CheckShuffle(V128Bytes lanes) {
  const bool good =
      std::all_of(lanes.bytes, lanes.bytes + 16, [](uint8_t lane) { return lane < 32; });
  return good || Fail("lane number out of range");
}

bool BodyValidator::FailAccess(const MemArg& access, uint32_t natural_log2) {
  if (access.align_log2 > natural_log2) {
    return Fail(absl::StrCat(
        "alignment 2^", access.align_log2, " is larger than the natural 2^", natural_log2));
  }
  if (access.align_log2 != natural_log2 && access.offset <= UINT32_MAX) {
    return Fail(absl::StrCat("atomic access needs the natural alignment 2^", natural_log2));
  }
  return Fail(absl::StrCat("offset ", access.offset, " is out of range for a 32-bit memory"));
}

// ---- Errors
// -----------------------------------------------------------------------------------------

bool BodyValidator::FailMoved() {
  return Fail(absl::StrCat("more than ",
                           moved_value_count_max_,
                           " values are declared or moved by blocks, branches and calls (limit ",
                           kMovedValueCountBase,
                           " + ",
                           kMovedValuesPerCodeByte,
                           " per byte of code)"));
}

bool BodyValidator::Fail(std::string message) {
  if (failure_.empty()) failure_ = std::move(message);
  return false;
}

bool BodyValidator::Mismatch(ValueType expected, ValueType actual) {
  return Fail(
      absl::StrCat("type mismatch: expected ", ToString(expected), ", found ", ToString(actual)));
}

absl::Status BodyValidator::ErrorAt(uint32_t offset, const std::string& message) const {
  const absl::string_view name = NameSection::Read(module_).NameOf(function_);
  std::string function = absl::StrCat("function ", ToInt(function_));
  if (!name.empty()) absl::StrAppend(&function, " \"", name, "\"");
  const absl::string_view text = ToString(CurrentOpcode());
  return absl::InvalidArgumentError(absl::StrFormat(
      "at offset 0x%x, %s, %s: %s", body_->offset + offset, function, text, message));
}

// For messages: the operator at offset_, as far as it is one.
Opcode BodyValidator::CurrentOpcode() const {
  BodyCursor<true> cursor(body_->code.subspan(std::min<size_t>(offset_, body_->code.size())),
                          context_.features);
  const uint32_t byte = cursor.U8();
  return static_cast<Opcode>(byte < 0xFB ? byte : byte << 16 | cursor.VarU32());
}

}  // namespace tidepool::engine::wasm
