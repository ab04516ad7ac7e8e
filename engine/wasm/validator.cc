#include "engine/wasm/validator.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

#include "engine/support/status_macros.h"
#include "engine/wasm/body_validator.h"
#include "engine/wasm/limits.h"
#include "engine/wasm/validator_internal.h"

namespace tidepool::engine::wasm {
namespace {

template <typename... Parts>
absl::Status Invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::Status CheckLimits(const Limits64& limits,
                         uint64_t count_max,
                         absl::string_view unit,
                         const std::string& where) {
  if (limits.min > count_max || (limits.has_max && limits.max > count_max)) {
    return Invalid(where, ": size of more than ", count_max, " ", unit);
  }
  if (limits.has_max && limits.min > limits.max) {
    return Invalid(where, ": size minimum ", limits.min, " is greater than maximum ", limits.max);
  }
  return absl::OkStatus();
}

ValueType AddressValueType(AddressType address) {
  return address == AddressType::kI64 ? ValueType::I64() : ValueType::I32();
}

}  // namespace

absl::StatusOr<ValidatedModule> Validate(Module module, const Features& features) {
  return Validator(std::move(module), features).Validate();
}

absl::StatusOr<ValidatedModule> Validator::Validate() {
  TP_RETURN_IF_ERROR(CheckTypes());
  TP_RETURN_IF_ERROR(CheckFunctions());
  TP_RETURN_IF_ERROR(CheckTags());
  TP_RETURN_IF_ERROR(CheckGlobals());
  TP_RETURN_IF_ERROR(CheckTables());
  TP_RETURN_IF_ERROR(CheckMemories());
  TP_RETURN_IF_ERROR(CheckExports());
  TP_RETURN_IF_ERROR(CheckStart());
  TP_RETURN_IF_ERROR(CheckElements());
  TP_RETURN_IF_ERROR(CheckData());
  // Last: ref.func in bodies may name what any declaration above names, and nothing else.  So
  // bodies add nothing to what escapes.
  TP_RETURN_IF_ERROR(CheckBodies());
  return ValidatedModule(std::move(module_), std::move(escapes_));
}

absl::Status Validator::CheckValueType(ValueType type, const std::string& where) const {
  if (type.is_ref() && IsConcrete(type.heap()) &&
      ToInt(TypeIndexOf(type.heap())) >= module_.types.size()) {
    return Invalid(where, ": unknown type ", ToInt(TypeIndexOf(type.heap())));
  }
  return absl::OkStatus();
}

absl::Status Validator::CheckTypes() {
  if (features_.function_references) {
    for (uint32_t i = 0; i < module_.types.size(); ++i) {
      for (const auto* types : {&module_.types[i].params, &module_.types[i].results}) {
        for (const ValueType type : *types) {
          // Types of a group of one may name themselves and what came before.
          if (type.is_ref() && IsConcrete(type.heap()) && ToInt(TypeIndexOf(type.heap())) > i) {
            return Invalid("type ", i, ": unknown type ", ToInt(TypeIndexOf(type.heap())));
          }
        }
      }
    }
  }
  relations_ = TypeRelations(module_.types, features_.function_references);
  return absl::OkStatus();
}

absl::Status Validator::CheckFunctions() const {
  for (uint32_t i = 0; i < module_.functions.size(); ++i) {
    if (ToInt(module_.functions[i].type) >= module_.types.size()) {
      return Invalid("function ", i, ": unknown type ", ToInt(module_.functions[i].type));
    }
  }
  return absl::OkStatus();
}

absl::Status Validator::CheckTables() {
  for (uint32_t i = 0; i < module_.tables.size(); ++i) {
    const Table& table = module_.tables[i];
    const std::string where = absl::StrCat("table ", i);
    TP_RETURN_IF_ERROR(CheckValueType(table.type.element, where));
    const uint64_t count_max = table.type.address == AddressType::kI64 ? UINT64_MAX : UINT32_MAX;
    TP_RETURN_IF_ERROR(CheckLimits(table.type.limits, count_max, "elements", where));
    if (table.has_init) {
      // Tables are made before the module's own globals.
      TP_RETURN_IF_ERROR(
          CheckConstant(table.init, table.type.element, module_.imported_global_count));
    } else if (i >= module_.imported_table_count && !table.type.element.nullable()) {
      return Invalid(
          where, ": elements of type ", ToString(table.type.element), " need an initial value");
    }
  }
  return absl::OkStatus();
}

absl::Status Validator::CheckMemories() const {
  if (module_.memories.size() > 1 && !features_.multi_memory) {
    return Invalid("multiple memories: ", module_.memories.size());
  }
  for (uint32_t i = 0; i < module_.memories.size(); ++i) {
    const MemoryType& type = module_.memories[i].type;
    const std::string where = absl::StrCat("memory ", i);
    if (type.page_bytes_log2 != 0 && type.page_bytes_log2 != 16) {
      return Invalid(where, ": invalid page size 2^", type.page_bytes_log2);
    }
    const bool wide = type.address == AddressType::kI64;
    uint64_t pages_max = wide ? kMemory64WasmPagesMax : kMemory32WasmPagesMax;
    if (type.page_bytes_log2 == 0) pages_max = wide ? UINT64_MAX : UINT32_MAX;
    TP_RETURN_IF_ERROR(CheckLimits(type.limits, pages_max, "pages", where));
    if (type.shared && !type.limits.has_max) {
      return Invalid(where, ": shared memory needs a maximum");
    }
  }
  return absl::OkStatus();
}

absl::Status Validator::CheckTags() const {
  for (uint32_t i = 0; i < module_.tags.size(); ++i) {
    const uint32_t type = ToInt(module_.tags[i].type);
    if (type >= module_.types.size()) return Invalid("tag ", i, ": unknown type ", type);
    if (!module_.types[type].results.empty()) return Invalid("tag ", i, ": its type has results");
  }
  return absl::OkStatus();
}

absl::Status Validator::CheckGlobals() {
  for (uint32_t i = 0; i < module_.globals.size(); ++i) {
    const Global& global = module_.globals[i];
    if (global.type.value.is_ref()) {
      TP_RETURN_IF_ERROR(CheckValueType(global.type.value, absl::StrCat("global ", i)));
    }
    if (i < module_.imported_global_count) continue;
    TP_RETURN_IF_ERROR(CheckConstant(global.init, global.type.value, i));
  }
  return absl::OkStatus();
}

absl::Status Validator::CheckExports() {
  absl::flat_hash_set<absl::string_view> names;
  const size_t counts[] = {module_.functions.size(),
                           module_.tables.size(),
                           module_.memories.size(),
                           module_.globals.size(),
                           module_.tags.size()};
  constexpr absl::string_view kKinds[] = {"function", "table", "memory", "global", "tag"};
  for (const Export& entry : module_.exports) {
    const auto kind = static_cast<size_t>(entry.kind);
    if (entry.index >= counts[kind]) {
      return Invalid("export \"", entry.name, "\": unknown ", kKinds[kind], " ", entry.index);
    }
    if (!names.insert(entry.name).second) return Invalid("duplicate export \"", entry.name, "\"");
    if (entry.kind == ExternalKind::kFunction) escapes_[entry.index] = true;
  }
  return absl::OkStatus();
}

absl::Status Validator::CheckStart() const {
  if (!module_.start.has_value()) return absl::OkStatus();
  const uint32_t start = ToInt(*module_.start);
  if (start >= module_.functions.size()) return Invalid("start: unknown function ", start);
  const FunctionType& type = module_.TypeOf(*module_.start);
  if (!type.params.empty() || !type.results.empty()) {
    return Invalid("start function ", start, " has type ", ToString(type), ", expected [] -> []");
  }
  return absl::OkStatus();
}

absl::Status Validator::CheckElements() {
  for (uint32_t i = 0; i < module_.elements.size(); ++i) {
    TP_RETURN_IF_ERROR(CheckElementSegment(module_.elements[i], i));
  }
  return absl::OkStatus();
}

absl::Status Validator::CheckElementSegment(const ElementSegment& segment, uint32_t index) {
  if (segment.type.is_ref() && IsConcrete(segment.type.heap())) {
    TP_RETURN_IF_ERROR(CheckValueType(segment.type, absl::StrCat("element segment ", index)));
  }
  const auto global_count = static_cast<uint32_t>(module_.globals.size());
  if (segment.mode == SegmentMode::kActive) {
    if (ToInt(segment.table) >= module_.tables.size()) {
      return Invalid("element segment ", index, ": unknown table ", ToInt(segment.table));
    }
    const TableType& table = module_.tables[ToInt(segment.table)].type;
    if (!relations_.IsSubtype(segment.type, table.element)) {
      return Invalid("element segment ",
                     index,
                     ": type mismatch: table ",
                     ToInt(segment.table),
                     " holds ",
                     ToString(table.element),
                     ", found ",
                     ToString(segment.type));
    }
    TP_RETURN_IF_ERROR(
        CheckConstant(segment.offset, AddressValueType(table.address), global_count));
  }
  for (const FunctionIndex function : segment.functions) {
    if (ToInt(function) >= module_.functions.size()) {
      return Invalid("element segment ", index, ": unknown function ", ToInt(function));
    }
    escapes_[ToInt(function)] = true;
  }
  for (const ConstantExpression& expression : segment.expressions) {
    TP_RETURN_IF_ERROR(CheckConstant(expression, segment.type, global_count));
  }
  return absl::OkStatus();
}

absl::Status Validator::CheckData() {
  const auto global_count = static_cast<uint32_t>(module_.globals.size());
  for (uint32_t i = 0; i < module_.data.size(); ++i) {
    const DataSegment& segment = module_.data[i];
    if (segment.mode != SegmentMode::kActive) continue;
    if (ToInt(segment.memory) >= module_.memories.size()) {
      return Invalid("data segment ", i, ": unknown memory ", ToInt(segment.memory));
    }
    const MemoryType& memory = module_.memories[ToInt(segment.memory)].type;
    TP_RETURN_IF_ERROR(
        CheckConstant(segment.offset, AddressValueType(memory.address), global_count));
  }
  return absl::OkStatus();
}

absl::Status Validator::CheckBodies() {
  BodyValidator bodies({module_, features_, relations_, escapes_});
  for (uint32_t i = module_.imported_function_count; i < module_.functions.size(); ++i) {
    TP_RETURN_IF_ERROR(bodies.Validate(static_cast<FunctionIndex>(i)));
  }
  return absl::OkStatus();
}

}  // namespace tidepool::engine::wasm
