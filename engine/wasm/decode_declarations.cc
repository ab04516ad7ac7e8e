// The decoder's part for sections that declare: types, imports, functions, tables, memories, tags,
// globals, exports.

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "engine/support/status_macros.h"
#include "engine/wasm/decoder_internal.h"
#include "engine/wasm/limits.h"

namespace tidepool::engine::wasm {
namespace {

constexpr uint8_t kFunctionTypeForm = 0x60;
constexpr uint8_t kTableWithInit = 0x40;

enum LimitsFlag : uint8_t { kHasMax = 1, kShared = 2, kWide = 4, kPageSize = 8 };

}  // namespace

absl::Status Decoder::ReadTypes() {
  TP_ASSIGN_OR_RETURN(const uint32_t count, ReadCount("types", kTypeCountMax, 3));
  module_.types.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    TP_RETURN_IF_ERROR(ReadFunctionType(&module_.types.emplace_back()));
  }
  return absl::OkStatus();
}

absl::Status Decoder::ReadFunctionType(FunctionType* type) {
  const uint32_t start = offset();
  const uint8_t form = cursor_.U8();
  TP_RETURN_IF_ERROR(Check());
  if (form != kFunctionTypeForm) {
    return ErrorAt(start, absl::StrFormat("unknown form of type 0x%02x", form));
  }
  TP_RETURN_IF_ERROR(ReadValueTypes(kParamCountMax, "parameters", &type->params));
  return ReadValueTypes(kResultCountMax, "results", &type->results);
}

absl::Status Decoder::ReadValueTypes(uint32_t count_max,
                                     const char* what,
                                     std::vector<ValueType>* types) {
  TP_ASSIGN_OR_RETURN(const uint32_t count, ReadCount(what, count_max, 1));
  types->reserve(count);
  for (uint32_t i = 0; i < count; ++i) types->push_back(cursor_.ValueType());
  return Check();
}

absl::Status Decoder::ReadImports() {
  TP_ASSIGN_OR_RETURN(const uint32_t count, ReadCount("imports", kImportCountMax, 4));
  module_.imports.reserve(count);
  for (uint32_t i = 0; i < count; ++i) TP_RETURN_IF_ERROR(ReadImport());
  // The other kinds may have as many as there may be imports.
  if (module_.imported_table_count > kTableCountMax) {
    return Error(absl::StrCat("more than ", kTableCountMax, " tables"));
  }
  if (module_.imported_memory_count > kMemoryCountMax) {
    return Error(absl::StrCat("more than ", kMemoryCountMax, " memories"));
  }
  return absl::OkStatus();
}

absl::Status Decoder::ReadImport() {
  Import import;
  TP_ASSIGN_OR_RETURN(import.module, ReadName("module name of an import"));
  TP_ASSIGN_OR_RETURN(import.name, ReadName("name of an import"));
  const uint32_t start = offset();
  const uint8_t kind = cursor_.U8();
  TP_RETURN_IF_ERROR(Check());
  switch (kind) {
    case 0:
      import.index = module_.imported_function_count++;
      module_.functions.push_back({static_cast<TypeIndex>(cursor_.VarU32())});
      break;
    case 1:
      import.index = module_.imported_table_count++;
      TP_RETURN_IF_ERROR(ReadTableType(&module_.tables.emplace_back().type));
      break;
    case 2:
      import.index = module_.imported_memory_count++;
      TP_RETURN_IF_ERROR(ReadMemoryType(&module_.memories.emplace_back().type));
      break;
    case 3:
      import.index = module_.imported_global_count++;
      TP_RETURN_IF_ERROR(ReadGlobalType(&module_.globals.emplace_back().type));
      break;
    case 4:
      if (features_.exceptions) {
        import.index = module_.imported_tag_count++;
        TP_RETURN_IF_ERROR(ReadTag(&module_.tags.emplace_back()));
        break;
      }
      [[fallthrough]];
    default:
      return ErrorAt(start, absl::StrCat("unknown kind of import ", kind));
  }
  import.kind = static_cast<ExternalKind>(kind);
  module_.imports.push_back(import);
  return Check();
}

absl::Status Decoder::ReadFunctions() {
  TP_ASSIGN_OR_RETURN(declared_function_count_,
                      ReadCount("functions", kFunctionCountMax - module_.functions.size(), 1));
  module_.functions.reserve(module_.functions.size() + declared_function_count_);
  for (uint32_t i = 0; i < declared_function_count_; ++i) {
    module_.functions.push_back({static_cast<TypeIndex>(cursor_.VarU32())});
  }
  return Check();
}

absl::Status Decoder::ReadTables() {
  const size_t imported = module_.tables.size();
  TP_ASSIGN_OR_RETURN(const uint32_t count, ReadCount("tables", kTableCountMax - imported, 3));
  module_.tables.reserve(imported + count);
  for (uint32_t i = 0; i < count; ++i) {
    Table& table = module_.tables.emplace_back();
    if (features_.function_references && remaining() != 0 &&
        *cursor_.position() == kTableWithInit) {
      cursor_.U8();
      if (cursor_.U8() != 0) cursor_.Fail("zero byte expected");
      table.has_init = true;
    }
    TP_RETURN_IF_ERROR(ReadTableType(&table.type));
    if (table.has_init) TP_RETURN_IF_ERROR(ReadConstantExpression(&table.init));
  }
  return absl::OkStatus();
}

absl::Status Decoder::ReadMemories() {
  TP_ASSIGN_OR_RETURN(const uint32_t count,
                      ReadCount("memories", kMemoryCountMax - module_.memories.size(), 2));
  for (uint32_t i = 0; i < count; ++i) {
    TP_RETURN_IF_ERROR(ReadMemoryType(&module_.memories.emplace_back().type));
  }
  return absl::OkStatus();
}

absl::Status Decoder::ReadTags() {
  TP_ASSIGN_OR_RETURN(const uint32_t count,
                      ReadCount("tags", kTagCountMax - module_.tags.size(), 2));
  module_.tags.reserve(module_.tags.size() + count);
  for (uint32_t i = 0; i < count; ++i) TP_RETURN_IF_ERROR(ReadTag(&module_.tags.emplace_back()));
  return absl::OkStatus();
}

absl::Status Decoder::ReadGlobals() {
  TP_ASSIGN_OR_RETURN(const uint32_t count,
                      ReadCount("globals", kGlobalCountMax - module_.globals.size(), 3));
  module_.globals.reserve(module_.globals.size() + count);
  for (uint32_t i = 0; i < count; ++i) {
    Global& global = module_.globals.emplace_back();
    TP_RETURN_IF_ERROR(ReadGlobalType(&global.type));
    TP_RETURN_IF_ERROR(ReadConstantExpression(&global.init));
  }
  return absl::OkStatus();
}

absl::Status Decoder::ReadExports() {
  TP_ASSIGN_OR_RETURN(const uint32_t count, ReadCount("exports", kExportCountMax, 3));
  module_.exports.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    Export& entry = module_.exports.emplace_back();
    TP_ASSIGN_OR_RETURN(entry.name, ReadName("name of an export"));
    const uint32_t start = offset();
    const uint8_t kind = cursor_.U8();
    entry.index = cursor_.VarU32();
    TP_RETURN_IF_ERROR(Check());
    if (kind > 4 || (kind == 4 && !features_.exceptions)) {
      return ErrorAt(start, absl::StrCat("unknown kind of export ", kind));
    }
    entry.kind = static_cast<ExternalKind>(kind);
  }
  return absl::OkStatus();
}

absl::Status Decoder::ReadLimits(bool of_memory,
                                 Limits64* limits,
                                 AddressType* address,
                                 bool* shared,
                                 uint8_t* page_bytes_log2) {
  const uint32_t start = offset();
  const uint8_t flags = cursor_.U8();
  TP_RETURN_IF_ERROR(Check());
  uint8_t known = kHasMax;
  if (features_.memory64) known |= kWide;
  if (of_memory && features_.threads) known |= kShared;
  if (of_memory && features_.custom_page_sizes) known |= kPageSize;
  if ((flags & ~known) != 0) {
    return ErrorAt(start, absl::StrFormat("malformed limits flags 0x%02x", flags));
  }
  *address = (flags & kWide) != 0 ? AddressType::kI64 : AddressType::kI32;
  *shared = (flags & kShared) != 0;
  limits->has_max = (flags & kHasMax) != 0;
  // Before memory64 the numbers themselves had 32 bits; since then validation says what is too
  // large.
  limits->min = features_.memory64 ? cursor_.VarU64() : cursor_.VarU32();
  if (limits->has_max) limits->max = features_.memory64 ? cursor_.VarU64() : cursor_.VarU32();
  if ((flags & kPageSize) != 0) {
    const uint32_t log2 = cursor_.VarU32();
    if (log2 > 64) cursor_.Fail("malformed page size");
    *page_bytes_log2 = static_cast<uint8_t>(log2);
  }
  return Check();
}

absl::Status Decoder::ReadTableType(TableType* type) {
  const uint32_t start = offset();
  type->element = cursor_.ValueType();
  TP_RETURN_IF_ERROR(Check());
  if (!type->element.is_ref()) return ErrorAt(start, "malformed reference type of a table");
  bool shared = false;
  uint8_t page_bytes_log2 = 0;
  return ReadLimits(/*of_memory=*/false, &type->limits, &type->address, &shared, &page_bytes_log2);
}

absl::Status Decoder::ReadMemoryType(MemoryType* type) {
  return ReadLimits(
      /*of_memory=*/true, &type->limits, &type->address, &type->shared, &type->page_bytes_log2);
}

absl::Status Decoder::ReadGlobalType(GlobalType* type) {
  type->value = cursor_.ValueType();
  const uint8_t is_mutable = cursor_.U8();
  if (is_mutable > 1) cursor_.Fail("malformed mutability");
  type->is_mutable = is_mutable == 1;
  return Check();
}

absl::Status Decoder::ReadTag(Tag* tag) {
  if (cursor_.U8() != 0) cursor_.Fail("malformed tag attribute");
  tag->type = static_cast<TypeIndex>(cursor_.VarU32());
  return Check();
}

}  // namespace tidepool::engine::wasm
