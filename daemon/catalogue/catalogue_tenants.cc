// Tenants and the modules they uploaded.
#include <utility>

#include "absl/strings/str_cat.h"

#include "daemon/catalogue/catalogue_impl.h"
#include "daemon/catalogue/fixed_limits.h"
#include "daemon/catalogue/row_codec.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {

absl::StatusOr<TenantView> Catalogue::Impl::CreateTenant(const std::string& name,
                                                         const LimitOverrides& limits) {
  TP_RETURN_IF_ERROR(CheckName("tenant", name));
  TP_RETURN_IF_ERROR(
      CheckAgainstCapacity(limits, options.capacity, absl::StrCat("tenants/", name)));
  if (model.tenants.contains(name)) {
    return absl::AlreadyExistsError(absl::StrCat("there is already a tenant \"", name, "\""));
  }
  ModelTenant tenant;
  tenant.created_at_unix_ns = NowUnixNs();
  tenant.overrides = limits;
  TP_ASSIGN_OR_RETURN(tenant.id,
                      database->InsertTenant({.name = name,
                                              .limits = EncodeLimits(limits),
                                              .created_at_unix_ns = tenant.created_at_unix_ns}));
  const ModelTenant& made = model.tenants.emplace(name, std::move(tenant)).first->second;
  Publish(name);
  return model.ViewOf(name, made);
}

absl::StatusOr<TenantView> Catalogue::Impl::UpdateTenant(
    const std::string& name, const std::vector<std::string>& assignments) {
  TP_ASSIGN_OR_RETURN(ModelTenant * tenant, model.FindTenant(name));
  LimitOverrides limits = tenant->overrides;
  for (const std::string& assignment : assignments) {
    TP_RETURN_IF_ERROR(limits.SetFromText(assignment));
  }
  TP_RETURN_IF_ERROR(
      CheckAgainstCapacity(limits, options.capacity, absl::StrCat("tenants/", name)));
  TP_RETURN_IF_ERROR(database->SetTenantLimits(tenant->id, EncodeLimits(limits)));
  tenant->overrides = limits;
  Publish(name);
  return model.ViewOf(name, *tenant);
}

absl::StatusOr<TenantView> Catalogue::Impl::GetTenant(const std::string& name) {
  TP_ASSIGN_OR_RETURN(const ModelTenant* tenant, model.FindTenant(name));
  return model.ViewOf(name, *tenant);
}

absl::Status Catalogue::Impl::DeleteTenant(const std::string& name) {
  TP_ASSIGN_OR_RETURN(ModelTenant * tenant, model.FindTenant(name));
  TP_RETURN_IF_ERROR(database->DeleteTenant(tenant->id));
  const ModelTenant gone = std::move(*tenant);
  model.tenants.erase(name);
  std::erase_if(model.routes, [&](const auto& route) { return route.second.tenant == name; });
  std::erase_if(model.tenant_of_host, [&](const auto& host) { return host.second == name; });
  Publish(name);
  Unused unused;
  for (const auto& [function_name, function] : gone.functions) {
    const Unused of_function = UsedBy(function);
    unused.module_ids.insert(
        unused.module_ids.end(), of_function.module_ids.begin(), of_function.module_ids.end());
    if (options.on_function_removed) options.on_function_removed(name, function_name);
  }
  for (const auto& [sha256, module] : gone.modules) unused.module_sha256s.push_back(sha256);
  ReleaseUnused(unused);
  return absl::OkStatus();
}

absl::StatusOr<ModuleView> Catalogue::Impl::AdmitModule(const std::string& tenant,
                                                        const std::string& sha256,
                                                        const std::string& path,
                                                        absl::Span<const uint8_t> wasm) {
  Step("upload.received");
  // Held until the module is on record, so that another revision's end cannot unload it meanwhile.
  TP_ASSIGN_OR_RETURN(const ModulePtr module, store->Admit(sha256, wasm));
  Step("upload.compiled");
  const ModuleView view{.tenant = tenant,
                        .sha256 = sha256,
                        .wasm_bytes = wasm.size(),
                        .created_at_unix_ns = NowUnixNs()};
  return executor.Run([&] { return RecordModule(tenant, view, path); });
}

// The rename happens on this thread, as every removal does: else a delete could take away the file
// between its arrival and its row.
absl::StatusOr<ModuleView> Catalogue::Impl::RecordModule(const std::string& tenant,
                                                         const ModuleView& module,
                                                         const std::string& path) {
  TP_ASSIGN_OR_RETURN(ModelTenant * owner, model.FindTenant(tenant));
  const auto known = owner->modules.find(module.sha256);
  if (known == owner->modules.end() && owner->modules.size() >= kModulesPerTenantMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("tenant \"",
                     tenant,
                     "\" has ",
                     owner->modules.size(),
                     " modules, the most that are kept; delete functions that are not needed"));
  }
  TP_RETURN_IF_ERROR(StateDirectory::MoveIntoPlace(path, parts.state.ModulePath(module.sha256)));
  Step("upload.in_place");
  if (known != owner->modules.end()) return known->second;
  const absl::Status recorded =
      database->InsertModule({.tenant_id = owner->id,
                              .sha256 = module.sha256,
                              .wasm_bytes = static_cast<int64_t>(module.wasm_bytes),
                              .created_at_unix_ns = module.created_at_unix_ns});
  if (!recorded.ok()) {
    if (!model.IsModuleReferenced(module.sha256)) store->Remove(module.sha256);
    return recorded;
  }
  Step("upload.committed");
  owner->modules[module.sha256] = module;
  return module;
}

absl::Status Catalogue::Impl::DeleteModule(const std::string& tenant, const std::string& sha256) {
  TP_ASSIGN_OR_RETURN(ModelTenant * owner, model.FindTenant(tenant));
  if (!owner->modules.contains(sha256)) {
    return absl::NotFoundError(absl::StrCat("tenant \"", tenant, "\" has no module ", sha256));
  }
  if (model.IsModuleUsedBy(*owner, sha256)) {
    return absl::FailedPreconditionError(
        absl::StrCat("module ", sha256, " is used by a revision; delete that first"));
  }
  TP_RETURN_IF_ERROR(database->DeleteModule(owner->id, sha256));
  owner->modules.erase(sha256);
  ReleaseUnused({.module_sha256s = {sha256}});
  return absl::OkStatus();
}

}  // namespace tidepool::daemon
