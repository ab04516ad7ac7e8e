#include "engine/runtime/import_match.h"

#include "absl/strings/str_cat.h"
#include "engine/runtime/host_function.h"

namespace tidepool::engine {
namespace {

absl::string_view KindName(wasm::ExternalKind kind) {
  switch (kind) {
    case wasm::ExternalKind::kFunction: return "function";
    case wasm::ExternalKind::kTable: return "table";
    case wasm::ExternalKind::kMemory: return "memory";
    case wasm::ExternalKind::kGlobal: return "global";
    case wasm::ExternalKind::kTag: return "tag";
  }
  return "unknown kind";
}

// What a limits subtype must be: at least as large now as the import's minimum, and with a maximum
// no larger than the import's, if that has one.
std::string LimitsMismatch(absl::string_view unit,
                           uint64_t size,
                           const wasm::Limits64& offered,
                           const wasm::Limits64& wanted) {
  if (size < wanted.min) {
    return absl::StrCat("has ", size, " ", unit, ", at least ", wanted.min, " are wanted");
  }
  if (wanted.has_max && (!offered.has_max || offered.max > wanted.max)) {
    return absl::StrCat("may grow beyond the wanted maximum of ", wanted.max, " ", unit);
  }
  return "";
}

std::string FunctionMismatch(const Module& module, uint32_t index, const ImportBinding& binding) {
  const uint32_t type_index = module.info().function_types[index];
  const wasm::FunctionType& wanted = module.info().types[type_index];
  // A host's type is compared as such; a guest's by its number, equal for equal types.
  const bool fits = binding.host_function != nullptr
                        ? binding.host_function->type == wanted
                        : binding.external.function->type_id == module.type_ids()[type_index];
  if (fits) return "";
  const wasm::FunctionType* offered = binding.host_function != nullptr
                                          ? &binding.host_function->type
                                          : binding.external.function_type;
  return absl::StrCat("function of type ", ToString(wanted), " wanted",
                      offered == nullptr ? "" : absl::StrCat(", got ", ToString(*offered)));
}

std::string TableMismatch(const wasm::TableType& wanted, const Extern& offered) {
  const wasm::TableType& type = offered.table_type;
  if (type.element != wanted.element) {
    return absl::StrCat("table of ", ToString(wanted.element), " wanted, got one of ",
                        ToString(type.element));
  }
  if (type.address != wanted.address) return "table with another address type wanted";
  return LimitsMismatch("table elements", offered.table->count, type.limits, wanted.limits);
}

std::string MemoryMismatch(const wasm::MemoryType& wanted, const Extern& offered) {
  const wasm::MemoryType& type = offered.memory_type;
  if (type.address != wanted.address) return "memory with another address type wanted";
  if (type.shared != wanted.shared) {
    return wanted.shared ? "shared memory wanted" : "memory that is not shared wanted";
  }
  if (type.page_bytes_log2 != wanted.page_bytes_log2) return "memory with another page size wanted";
  return LimitsMismatch("memory pages", offered.memory->bytes >> type.page_bytes_log2, type.limits,
                        wanted.limits);
}

std::string GlobalMismatch(const wasm::GlobalType& wanted, const Extern& offered) {
  const wasm::GlobalType& type = offered.global_type;
  if (type.is_mutable != wanted.is_mutable) {
    return wanted.is_mutable ? "mutable global wanted" : "immutable global wanted";
  }
  if (type.value == wanted.value) return "";
  return absl::StrCat("global of type ", ToString(wanted.value), " wanted, got ",
                      ToString(type.value));
}

bool IsBound(const Extern& external) {
  switch (external.kind) {
    case wasm::ExternalKind::kFunction: return external.function != nullptr;
    case wasm::ExternalKind::kTable: return external.table != nullptr;
    case wasm::ExternalKind::kMemory: return external.memory != nullptr;
    case wasm::ExternalKind::kGlobal: return external.global != nullptr;
    case wasm::ExternalKind::kTag: return false;
  }
  return false;
}

std::string Mismatch(const Module& module, const wasm::Import& import,
                     const ImportBinding& binding) {
  const bool host = binding.host_function != nullptr;
  const wasm::ExternalKind kind = host ? wasm::ExternalKind::kFunction : binding.external.kind;
  if (!host && !IsBound(binding.external)) return "nothing is bound to it";
  if (kind != import.kind) {
    return absl::StrCat(KindName(import.kind), " wanted, got a ", KindName(kind));
  }
  const ModuleInfo& info = module.info();
  switch (kind) {
    case wasm::ExternalKind::kFunction: return FunctionMismatch(module, import.index, binding);
    case wasm::ExternalKind::kTable:
      return TableMismatch(info.tables[import.index].type, binding.external);
    case wasm::ExternalKind::kMemory:
      return MemoryMismatch(info.memories[import.index], binding.external);
    case wasm::ExternalKind::kGlobal:
      return GlobalMismatch(info.globals[import.index].type, binding.external);
    case wasm::ExternalKind::kTag: return "tags cannot be imported";
  }
  return "unknown kind";
}

}  // namespace

std::string ImportName(const wasm::Import& import) {
  return absl::StrCat(import.module, ".", import.name);
}

std::string ImportMismatch(const Module& module, size_t import, const ImportBinding& binding) {
  const wasm::Import& declared = module.info().imports[import];
  const std::string why = Mismatch(module, declared, binding);
  if (why.empty()) return "";
  return absl::StrCat(ImportName(declared), ": incompatible import type: ", why);
}

}  // namespace tidepool::engine
