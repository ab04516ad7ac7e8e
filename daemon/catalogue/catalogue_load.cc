// Opening the catalogue: what is on disk becomes the model, and what a crash left over goes.
#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

#include "daemon/catalogue/catalogue_impl.h"
#include "daemon/catalogue/row_codec.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

// A module that was uploaded and never deployed: kept for a while, because the deployer may be
// between the two calls, and not for ever, because nobody would miss it.
constexpr int64_t kAbandonedUploadNs = int64_t{24} * 3600 * 1'000'000'000;

}  // namespace

absl::Status Catalogue::Impl::Open() {
  ArtifactStore::Options store_options;
  store_options.compilations_max = options.compilations_max;
  store_options.load.table_elements_max =
      std::min(store_options.load.table_elements_max, options.capacity.table_elements_max);
  TP_ASSIGN_OR_RETURN(
      store, ArtifactStore::Create(parts.state, parts.engine, parts.compiler, store_options));
  TP_ASSIGN_OR_RETURN(database, Database::Open(parts.state.DatabasePath()));
  TP_ASSIGN_OR_RETURN(const AllRows rows, database->LoadAll());
  TP_RETURN_IF_ERROR(LoadRows(rows));
  DropAbandonedUploads();
  absl::flat_hash_set<std::string> wanted;
  for (const auto& [name, tenant] : model.tenants) {
    for (const auto& [sha256, module] : tenant.modules) wanted.insert(sha256);
  }
  store->Sweep(wanted);
  Publish("");
  return absl::OkStatus();
}

absl::Status Catalogue::Impl::LoadRows(const AllRows& rows) {
  absl::flat_hash_map<int64_t, std::string> tenant_names;
  for (const TenantRow& row : rows.tenants) {
    ModelTenant& tenant = model.tenants[row.name];
    tenant.id = row.id;
    tenant.created_at_unix_ns = row.created_at_unix_ns;
    TP_ASSIGN_OR_RETURN(tenant.overrides, DecodeLimits(row.limits));
    tenant_names[row.id] = row.name;
  }
  for (const ModuleRow& row : rows.modules) {
    const std::string& tenant = tenant_names.at(row.tenant_id);
    model.tenants.at(tenant).modules[row.sha256] = {
        .tenant = tenant,
        .sha256 = row.sha256,
        .wasm_bytes = static_cast<uint64_t>(row.wasm_bytes),
        .created_at_unix_ns = row.created_at_unix_ns};
  }
  struct Place {
    std::string tenant;
    std::string function;
  };
  absl::flat_hash_map<int64_t, Place> places;
  for (const FunctionRow& row : rows.functions) {
    const std::string& tenant = tenant_names.at(row.tenant_id);
    ModelFunction& function = model.tenants.at(tenant).functions[row.name];
    function.id = row.id;
    function.created_at_unix_ns = row.created_at_unix_ns;
    function.serving_revision = static_cast<uint64_t>(row.serving_revision);
    places[row.id] = {tenant, row.name};
  }
  for (const RevisionRow& row : rows.revisions) {
    const Place& place = places.at(row.function_id);
    LoadRevision(place.tenant, place.function, row);
  }
  for (const HostRow& row : rows.hosts) {
    model.tenant_of_host[row.host] = tenant_names.at(row.tenant_id);
  }
  for (const RouteRow& row : rows.routes) {
    const Place& place = places.at(row.function_id);
    model.routes[{row.host, row.path}] = {
        .tenant = place.tenant,
        .target = {place.function, static_cast<uint64_t>(row.revision)},
        .created_at_unix_ns = row.created_at_unix_ns};
  }
  return absl::OkStatus();
}

// One revision that cannot be loaded must not keep the others from serving.
void Catalogue::Impl::LoadRevision(const std::string& tenant,
                                   const std::string& function,
                                   const RevisionRow& row) {
  auto revision = std::make_shared<FunctionRevision>();
  const auto load = [&]() -> absl::Status {
    TP_ASSIGN_OR_RETURN(*revision, DecodeRevision(row));
    revision->tenant = tenant;
    revision->function = function;
    TP_ASSIGN_OR_RETURN(revision->module, store->Get(row.module_sha256));
    TP_ASSIGN_OR_RETURN(revision->imports, ResolveImports(*revision));
    return absl::OkStatus();
  };
  ModelRevision loaded;
  if (const absl::Status status = load(); !status.ok()) {
    revision->tenant = tenant;
    revision->function = function;
    revision->revision = static_cast<uint64_t>(row.number);
    revision->module_sha256 = row.module_sha256;
    revision->module = nullptr;
    loaded.problem = std::string(status.message());
    problems.push_back(absl::StrCat(revision->ResourceName(), ": ", status.message()));
  }
  loaded.revision = std::move(revision);
  model.tenants.at(tenant).functions.at(function).revisions[static_cast<uint64_t>(row.number)] =
      std::move(loaded);
}

void Catalogue::Impl::DropAbandonedUploads() {
  const int64_t before_unix_ns = NowUnixNs() - kAbandonedUploadNs;
  for (auto& [name, tenant] : model.tenants) {
    for (auto module = tenant.modules.begin(); module != tenant.modules.end();) {
      const bool abandoned = module->second.created_at_unix_ns < before_unix_ns &&
                             !model.IsModuleUsedBy(tenant, module->first);
      if (abandoned && database->DeleteModule(tenant.id, module->first).ok()) {
        module = tenant.modules.erase(module);
      } else {
        ++module;
      }
    }
  }
}

}  // namespace tidepool::daemon
