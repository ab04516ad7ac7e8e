// Model: the catalogue in memory, equal to what catalogue.db holds.
//
//   tenant ─┬─ modules by SHA-256
//           ├─ functions ── revisions by number
//           └─ hosts        routes by (host, path), of all tenants
//
// It finds, counts and makes snapshots; it changes nothing on disk.
//
// Threads  One thread at a time: the catalogue's own.  Snapshots are immutable.
// Errors   NotFound, naming the tenant, function, module or route.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "daemon/catalogue/catalogue_views.h"
#include "daemon/catalogue/routing_snapshot.h"

namespace tidepool::daemon {

struct ModelRevision {
  std::shared_ptr<const FunctionRevision> revision;
  std::string problem;  // Why it cannot be called; then its module is null.
};

struct ModelFunction {
  int64_t id = 0;
  int64_t created_at_unix_ns = 0;
  uint64_t serving_revision = 0;
  std::map<uint64_t, ModelRevision> revisions;
};

struct ModelTenant {
  int64_t id = 0;
  int64_t created_at_unix_ns = 0;
  LimitOverrides overrides;
  std::map<std::string, ModelFunction> functions;
  std::map<std::string, ModuleView> modules;
};

struct ModelRoute {
  std::string tenant;
  RouteTarget target;
  int64_t created_at_unix_ns = 0;
};

class Model {
 public:
  explicit Model(const Limits& defaults) : defaults_(defaults) {}

  std::map<std::string, ModelTenant> tenants;
  std::map<std::string, std::string> tenant_of_host;
  std::map<RouteKey, ModelRoute> routes;

  absl::StatusOr<ModelTenant*> FindTenant(const std::string& tenant);
  absl::StatusOr<ModelFunction*> FindFunction(const std::string& tenant,
                                              const std::string& function);
  // Any tenant's.
  bool IsModuleReferenced(const std::string& sha256) const;
  bool IsModuleUsedBy(const ModelTenant& tenant, const std::string& sha256) const;
  uint32_t CountHosts(const std::string& tenant) const;
  uint32_t CountRoutes(const std::string& tenant) const;

  // What a tenant may use, and a revision within it.
  Limits LimitsOf(const std::string& tenant) const;
  Limits LimitsOf(const FunctionRevision& revision) const;

  TenantView ViewOf(const std::string& name, const ModelTenant& tenant) const;
  RevisionView ViewOf(const ModelFunction& function, const ModelRevision& revision) const;
  FunctionView ViewOf(const std::string& tenant,
                      const std::string& name,
                      const ModelFunction& function) const;
  static RouteView ViewOf(const RouteKey& key, const ModelRoute& route);

  // A snapshot that shares with `previous` the entries of all tenants but `changed`; without
  // `previous` all are made.
  std::shared_ptr<const RoutingSnapshot> MakeSnapshot(const RoutingSnapshot* previous,
                                                      const std::string& changed) const;

 private:
  std::shared_ptr<const TenantEntry> MakeEntry(const std::string& name,
                                               const ModelTenant& tenant) const;

  const Limits defaults_;
};

}  // namespace tidepool::daemon
