#include "daemon/catalogue/model.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "engine/support/status_macros.h"

namespace tidepool::daemon {

absl::StatusOr<ModelTenant*> Model::FindTenant(const std::string& tenant) {
  const auto found = tenants.find(tenant);
  if (found == tenants.end()) {
    return absl::NotFoundError(absl::StrCat("there is no tenant \"", tenant, "\""));
  }
  return &found->second;
}

absl::StatusOr<ModelFunction*> Model::FindFunction(const std::string& tenant,
                                                   const std::string& function) {
  TP_ASSIGN_OR_RETURN(ModelTenant * owner, FindTenant(tenant));
  const auto found = owner->functions.find(function);
  if (found == owner->functions.end()) {
    return absl::NotFoundError(
        absl::StrCat("tenant \"", tenant, "\" has no function \"", function, "\""));
  }
  return &found->second;
}

bool Model::IsModuleReferenced(const std::string& sha256) const {
  return std::any_of(tenants.begin(), tenants.end(), [&](const auto& tenant) {
    return tenant.second.modules.contains(sha256);
  });
}

bool Model::IsModuleUsedBy(const ModelTenant& tenant, const std::string& sha256) const {
  for (const auto& [name, function] : tenant.functions) {
    for (const auto& [number, revision] : function.revisions) {
      if (revision.revision->module_sha256 == sha256) return true;
    }
  }
  return false;
}

uint32_t Model::CountHosts(const std::string& tenant) const {
  return static_cast<uint32_t>(
      std::count_if(tenant_of_host.begin(), tenant_of_host.end(), [&](const auto& host) {
        return host.second == tenant;
      }));
}

uint32_t Model::CountRoutes(const std::string& tenant) const {
  return static_cast<uint32_t>(std::count_if(routes.begin(), routes.end(), [&](const auto& route) {
    return route.second.tenant == tenant;
  }));
}

Limits Model::LimitsOf(const std::string& tenant) const {
  Limits limits = defaults_;
  const auto found = tenants.find(tenant);
  if (found != tenants.end()) {
    found->second.overrides.ApplyTo(limits,
                                    absl::StrCat("tenants/", tenant),
                                    /*may_only_lower=*/false);
  }
  return limits;
}

Limits Model::LimitsOf(const FunctionRevision& revision) const {
  Limits limits = LimitsOf(revision.tenant);
  revision.limit_overrides.ApplyTo(
      limits,
      absl::StrCat("tenants/", revision.tenant, "/functions/", revision.function),
      /*may_only_lower=*/true);
  return limits;
}

TenantView Model::ViewOf(const std::string& name, const ModelTenant& tenant) const {
  TenantView view;
  view.id = static_cast<uint64_t>(tenant.id);
  view.name = name;
  view.overrides = tenant.overrides;
  view.limits = std::make_shared<const Limits>(LimitsOf(name));
  for (const auto& [host, owner] : tenant_of_host) {
    if (owner == name) view.hosts.push_back(host);
  }
  view.function_count = static_cast<uint32_t>(tenant.functions.size());
  view.created_at_unix_ns = tenant.created_at_unix_ns;
  return view;
}

RevisionView Model::ViewOf(const ModelFunction& function, const ModelRevision& revision) const {
  return {.revision = revision.revision,
          .limits = std::make_shared<const Limits>(LimitsOf(*revision.revision)),
          .serving = revision.revision->revision == function.serving_revision,
          .problem = revision.problem};
}

FunctionView Model::ViewOf(const std::string& tenant,
                           const std::string& name,
                           const ModelFunction& function) const {
  FunctionView view;
  view.tenant = tenant;
  view.name = name;
  view.created_at_unix_ns = function.created_at_unix_ns;
  view.revision_count = static_cast<uint32_t>(function.revisions.size());
  view.serving = ViewOf(function, function.revisions.at(function.serving_revision));
  for (const auto& [key, route] : routes) {
    if (route.tenant == tenant && route.target.function == name) view.routes.push_back(key);
  }
  return view;
}

RouteView Model::ViewOf(const RouteKey& key, const ModelRoute& route) {
  return {.key = key,
          .tenant = route.tenant,
          .target = route.target,
          .created_at_unix_ns = route.created_at_unix_ns};
}

std::shared_ptr<const TenantEntry> Model::MakeEntry(const std::string& name,
                                                    const ModelTenant& tenant) const {
  auto entry = std::make_shared<TenantEntry>();
  entry->name = name;
  entry->id = static_cast<uint64_t>(tenant.id);
  entry->limits = std::make_shared<const Limits>(LimitsOf(name));
  for (const auto& [function_name, function] : tenant.functions) {
    FunctionEntry& made = entry->functions[function_name];
    made.name = function_name;
    made.serving_revision = function.serving_revision;
    for (const auto& [number, revision] : function.revisions) {
      if (!revision.problem.empty()) continue;
      made.revisions[number] = revision.revision;
      made.limits[number] = std::make_shared<const Limits>(LimitsOf(*revision.revision));
    }
  }
  return entry;
}

std::shared_ptr<const RoutingSnapshot> Model::MakeSnapshot(const RoutingSnapshot* previous,
                                                           const std::string& changed) const {
  auto snapshot = std::make_shared<RoutingSnapshot>();
  snapshot->version = previous == nullptr ? 1 : previous->version + 1;
  for (const auto& [name, tenant] : tenants) {
    if (previous != nullptr && name != changed) {
      snapshot->tenants[name] = previous->tenants.at(name);
    } else {
      snapshot->tenants[name] = MakeEntry(name, tenant);
    }
  }
  for (const auto& [key, route] : routes) {
    snapshot->routes[key.host].push_back({.path_prefix = key.path,
                                          .tenant = route.tenant,
                                          .function = route.target.function,
                                          .revision = route.target.revision});
  }
  for (auto& [host, list] : snapshot->routes) {
    std::sort(list.begin(), list.end(), [](const RouteEntry& a, const RouteEntry& b) {
      // Prefixes of one length differ, so the order is total.
      return a.path_prefix.size() != b.path_prefix.size()
                 ? a.path_prefix.size() > b.path_prefix.size()
                 : a.path_prefix < b.path_prefix;
    });
  }
  return snapshot;
}

}  // namespace tidepool::daemon
