// FunctionRevision: one immutable deployed version of a function, ready to be invoked.
//
// Life     Made by the catalogue when a revision is deployed or loaded at start; shared by the
// routing
//          snapshots and by the invocations that use it; gone with the last of them.
// Threads  Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

#include "daemon/tenants/limits.h"
#include "engine/runtime/linker.h"
#include "engine/runtime/module.h"

namespace tidepool::daemon {

enum class GuestAbi : uint8_t { kCommand, kHandler, kExport };
enum class ResponseMode : uint8_t { kAuto, kCgi, kRaw };

absl::string_view ToString(GuestAbi abi);
absl::string_view ToString(ResponseMode mode);

struct FunctionRevision {
  std::string tenant;
  std::string function;
  uint64_t revision = 0;
  GuestAbi abi = GuestAbi::kCommand;
  ResponseMode response = ResponseMode::kAuto;
  std::vector<std::string> args;  // Of a command; without the program's name.
  std::vector<std::pair<std::string, std::string>> env;
  engine::UnknownImports unknown_imports = engine::UnknownImports::kRefuse;
  LimitOverrides limit_overrides;  // The function's own.
  std::string module_sha256;       // Of the wasm bytes, hex.
  uint64_t module_bytes = 0;
  int64_t created_at_unix_ns = 0;
  std::shared_ptr<const engine::Module> module;
  engine::ImportBindings imports;  // Resolved against the daemon's linker.

  // "tenants/t/functions/f/revisions/3".
  std::string ResourceName() const;
};

}  // namespace tidepool::daemon
