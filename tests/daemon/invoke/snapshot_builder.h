// SnapshotBuilder makes RoutingSnapshots for tests, without a catalogue.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/catalogue/routing_snapshot.h"
#include "engine/support/check.h"

namespace tidepool::daemon {

class SnapshotBuilder {
 public:
  // Limits as on the command line: "memory=1MiB".
  TenantEntry& Tenant(const std::string& name, const std::vector<std::string>& limits = {}) {
    auto& tenant = tenants_[name];
    if (tenant == nullptr) {
      tenant = std::make_shared<TenantEntry>();
      tenant->name = name;
      tenant->id = ++last_id_;
    }
    Limits effective;
    Apply(limits, "tenants/" + name, effective);
    tenant->limits = std::make_shared<const Limits>(effective);
    return *tenant;
  }
  // The next revision of tenant/function; `revision` may have its module and ABI set.
  std::shared_ptr<const FunctionRevision> Deploy(const std::string& tenant,
                                                 const std::string& function,
                                                 std::shared_ptr<FunctionRevision> revision,
                                                 const std::vector<std::string>& limits = {}) {
    if (!tenants_.contains(tenant)) Tenant(tenant);
    TenantEntry& owner = *tenants_[tenant];
    FunctionEntry& entry = owner.functions[function];
    entry.name = function;
    const uint64_t number = ++entry.serving_revision;
    revision->tenant = tenant;
    revision->function = function;
    revision->revision = number;
    Limits effective = *owner.limits;
    Apply(limits, "tenants/" + tenant + "/functions/" + function, effective);
    entry.limits[number] = std::make_shared<const Limits>(effective);
    entry.revisions[number] = revision;
    return revision;
  }
  void Route(const std::string& host, const std::string& prefix, const std::string& tenant,
             const std::string& function, uint64_t revision = 0) {
    auto& routes = routes_[host];
    routes.push_back({prefix, tenant, function, revision});
    std::sort(routes.begin(), routes.end(), [](const auto& a, const auto& b) {
      return a.path_prefix.size() > b.path_prefix.size();
    });
  }
  std::shared_ptr<const RoutingSnapshot> Build() {
    auto snapshot = std::make_shared<RoutingSnapshot>();
    snapshot->version = ++version_;
    for (const auto& [name, tenant] : tenants_) {
      snapshot->tenants[name] = std::make_shared<const TenantEntry>(*tenant);
    }
    snapshot->routes = routes_;
    return snapshot;
  }

 private:
  static void Apply(const std::vector<std::string>& assignments, const std::string& set_by,
                    Limits& limits) {
    LimitOverrides overrides;
    for (const std::string& assignment : assignments) {
      TP_CHECK(overrides.SetFromText(assignment).ok());
    }
    overrides.ApplyTo(limits, set_by, /*may_only_lower=*/false);
  }
  std::map<std::string, std::shared_ptr<TenantEntry>> tenants_;
  absl::flat_hash_map<std::string, std::vector<RouteEntry>> routes_;
  uint64_t last_id_ = 0;
  uint64_t version_ = 0;
};

}  // namespace tidepool::daemon
