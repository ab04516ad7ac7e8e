#include "daemon/catalogue/abi_detection.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tidepool::daemon {
namespace {

using engine::wasm::ExternalKind;
using engine::wasm::FunctionType;
using engine::wasm::ValueType;

const FunctionType* ExportedFunctionType(const engine::ModuleInfo& info, absl::string_view name) {
  const engine::wasm::Export* found = info.FindExport(name);
  if (found == nullptr || found->kind != ExternalKind::kFunction) return nullptr;
  return &info.types[info.function_types[found->index]];
}

// What `info` lacks of a function, in words; empty when it is there.
std::string MissingFunction(const engine::ModuleInfo& info,
                            absl::string_view name,
                            const FunctionType& type) {
  const FunctionType* found = ExportedFunctionType(info, name);
  if (found == nullptr) return absl::StrCat("a function ", name, " ", ToString(type));
  if (*found == type) return "";
  return absl::StrCat(
      "a function ", name, " ", ToString(type), " (its own is ", ToString(*found), ")");
}

std::vector<std::string> MissingFor(const engine::ModuleInfo& info, GuestAbi abi) {
  std::vector<std::string> missing;
  const auto need = [&](absl::string_view name, const FunctionType& type) {
    std::string words = MissingFunction(info, name, type);
    if (!words.empty()) missing.push_back(std::move(words));
  };
  switch (abi) {
    case GuestAbi::kCommand:
      need("_start", {});
      break;
    case GuestAbi::kHandler: {
      const engine::wasm::Export* memory = info.FindExport("memory");
      if (memory == nullptr || memory->kind != ExternalKind::kMemory) {
        missing.push_back("a memory named memory");
      }
      need("tidepool_alloc", {{ValueType::I32()}, {ValueType::I32()}});
      need("tidepool_handle", {{ValueType::I32(), ValueType::I32()}, {ValueType::I64()}});
      break;
    }
    case GuestAbi::kExport: {
      bool any = false;
      for (const engine::wasm::Export& exported : info.exports) {
        any = any || exported.kind == ExternalKind::kFunction;
      }
      if (!any) missing.push_back("any function");
      break;
    }
  }
  return missing;
}

}  // namespace

absl::StatusOr<GuestAbi> DetectAbi(const engine::ModuleInfo& info) {
  // The most specific first: a reactor's exports are also plain functions.
  for (const GuestAbi abi : {GuestAbi::kHandler, GuestAbi::kCommand, GuestAbi::kExport}) {
    if (MissingFor(info, abi).empty()) return abi;
  }
  return absl::InvalidArgumentError(
      "the module exports no function: neither _start (command), nor tidepool_alloc and "
      "tidepool_handle (handler), nor any other (export)");
}

absl::Status CheckAbi(const engine::ModuleInfo& info, GuestAbi declared) {
  const std::vector<std::string> missing = MissingFor(info, declared);
  if (missing.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the module does not offer the declared ABI ",
                                                 ToString(declared),
                                                 ": it does not export ",
                                                 absl::StrJoin(missing, ", ")));
}

}  // namespace tidepool::daemon
