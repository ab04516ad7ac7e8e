// Routes, and the hosts that are granted with them.
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

#include "daemon/catalogue/catalogue_impl.h"
#include "daemon/catalogue/fixed_limits.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {

absl::Status Catalogue::Impl::CheckRoute(const std::string& tenant,
                                         const RouteKey& key,
                                         const RouteTarget& target) const {
  const auto host = model.tenant_of_host.find(key.host);
  if (host != model.tenant_of_host.end() && host->second != tenant) {
    // Not whose: tenants need not know each other.
    return absl::PermissionDeniedError(absl::StrCat(
        "route ", ToString(key), ": the host ", key.host, " belongs to another tenant"));
  }
  const auto route = model.routes.find(key);
  if (route != model.routes.end() && route->second.target.function != target.function) {
    return absl::AlreadyExistsError(absl::StrCat("route ",
                                                 ToString(key),
                                                 " leads to function \"",
                                                 route->second.target.function,
                                                 "\"; delete it first"));
  }
  if (host == model.tenant_of_host.end() && model.CountHosts(tenant) >= kHostsPerTenantMax) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "tenant \"", tenant, "\" has ", kHostsPerTenantMax, " hosts, the most it may"));
  }
  if (route == model.routes.end() && model.CountRoutes(tenant) >= kRoutesPerTenantMax) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "tenant \"", tenant, "\" has ", kRoutesPerTenantMax, " routes, the most it may"));
  }
  return absl::OkStatus();
}

std::vector<HostRow> Catalogue::Impl::NewHosts(int64_t tenant_id,
                                               const std::vector<RouteKey>& keys) const {
  std::vector<HostRow> rows;
  absl::flat_hash_set<std::string> seen;
  for (const RouteKey& key : keys) {
    if (model.tenant_of_host.contains(key.host) || !seen.insert(key.host).second) continue;
    rows.push_back({.host = key.host, .tenant_id = tenant_id});
  }
  return rows;
}

absl::StatusOr<RouteView> Catalogue::Impl::AddRoute(const std::string& tenant,
                                                    const RouteKey& key,
                                                    const RouteTarget& target) {
  TP_ASSIGN_OR_RETURN(const ModelFunction* function, model.FindFunction(tenant, target.function));
  if (target.revision != 0 && !function->revisions.contains(target.revision)) {
    return absl::NotFoundError(absl::StrCat("function \"",
                                            target.function,
                                            "\" of tenant \"",
                                            tenant,
                                            "\" has no revision ",
                                            target.revision));
  }
  TP_RETURN_IF_ERROR(CheckRoute(tenant, key, target));
  const int64_t now_unix_ns = NowUnixNs();
  TP_RETURN_IF_ERROR(database->InsertRoute({.host = key.host,
                                            .path = key.path,
                                            .function_id = function->id,
                                            .revision = static_cast<int64_t>(target.revision),
                                            .created_at_unix_ns = now_unix_ns},
                                           NewHosts(model.tenants.at(tenant).id, {key})));
  model.tenant_of_host[key.host] = tenant;
  ModelRoute& route = model.routes[key];
  route = {.tenant = tenant, .target = target, .created_at_unix_ns = now_unix_ns};
  Publish(tenant);
  return Model::ViewOf(key, route);
}

absl::StatusOr<std::vector<RouteView>> Catalogue::Impl::ListRoutes(const std::string& tenant) {
  if (!tenant.empty()) TP_RETURN_IF_ERROR(model.FindTenant(tenant).status());
  std::vector<RouteView> views;
  for (const auto& [key, route] : model.routes) {
    if (tenant.empty() || route.tenant == tenant) views.push_back(Model::ViewOf(key, route));
  }
  return views;
}

absl::Status Catalogue::Impl::DeleteRoute(const std::string& tenant, const RouteKey& key) {
  TP_RETURN_IF_ERROR(model.FindTenant(tenant).status());
  const auto route = model.routes.find(key);
  if (route == model.routes.end() || route->second.tenant != tenant) {
    return absl::NotFoundError(
        absl::StrCat("tenant \"", tenant, "\" has no route ", ToString(key)));
  }
  TP_RETURN_IF_ERROR(database->DeleteRoute(key.host, key.path));
  model.routes.erase(route);
  Publish(tenant);
  return absl::OkStatus();
}

}  // namespace tidepool::daemon
