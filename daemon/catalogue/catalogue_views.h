// What the catalogue tells about its tenants, functions, modules and routes.
//
// Threads  Plain values; what they point to is immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/catalogue/function_revision.h"
#include "daemon/catalogue/names.h"
#include "daemon/tenants/limits.h"

namespace tidepool::daemon {

struct TenantView {
  uint64_t id = 0;  // As TenantEntry::id.
  std::string name;
  LimitOverrides overrides;
  std::shared_ptr<const Limits> limits;  // Effective.
  std::vector<std::string> hosts;
  uint32_t function_count = 0;
  int64_t created_at_unix_ns = 0;
};

struct ModuleView {
  std::string tenant;
  std::string sha256;
  uint64_t wasm_bytes = 0;
  int64_t created_at_unix_ns = 0;
};

struct RevisionView {
  // `module` is null when `problem` says why this revision cannot be called.
  std::shared_ptr<const FunctionRevision> revision;
  std::shared_ptr<const Limits> limits;  // Effective.
  bool serving = false;
  std::string problem;
};

struct FunctionView {
  std::string tenant;
  std::string name;
  int64_t created_at_unix_ns = 0;
  uint32_t revision_count = 0;
  RevisionView serving;
  std::vector<RouteKey> routes;
};

struct RouteView {
  RouteKey key;
  std::string tenant;
  RouteTarget target;
  int64_t created_at_unix_ns = 0;
};

// What a deployer decides about a revision.
struct FunctionSettings {
  // Empty: detected from exports and imports.
  std::optional<GuestAbi> abi;
  ResponseMode response = ResponseMode::kAuto;
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;
  engine::UnknownImports unknown_imports = engine::UnknownImports::kRefuse;
  LimitOverrides limits;
};

struct DeployRequest {
  std::string tenant;
  std::string function;
  std::string module_sha256;
  FunctionSettings settings;
  std::vector<RouteKey> routes;
};

}  // namespace tidepool::daemon
