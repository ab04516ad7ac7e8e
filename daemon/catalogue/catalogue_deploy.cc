// Functions and their revisions.
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

#include "daemon/catalogue/abi_detection.h"
#include "daemon/catalogue/catalogue_impl.h"
#include "daemon/catalogue/fixed_limits.h"
#include "daemon/catalogue/row_codec.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

// What the guest will see as C strings.
absl::Status CheckStrings(const FunctionSettings& settings) {
  uint64_t args_bytes = 0;
  for (const std::string& arg : settings.args) {
    args_bytes += arg.size() + 1;
    if (arg.find('\0') != std::string::npos) {
      return absl::InvalidArgumentError("an argument of the function holds a NUL byte");
    }
  }
  if (args_bytes > kArgsBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the function's arguments take ", args_bytes, " bytes; at most ", kArgsBytesMax));
  }
  uint64_t env_bytes = 0;
  for (const auto& [name, value] : settings.env) {
    env_bytes += name.size() + value.size() + 2;
    if (name.empty() || name.find('=') != std::string::npos ||
        name.find('\0') != std::string::npos || value.find('\0') != std::string::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"",
                       name,
                       "\" cannot be an environment variable: a name is not empty and "
                       "has no '=', neither name nor value holds NUL"));
    }
  }
  if (env_bytes > kEnvBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the function's environment takes ", env_bytes, " bytes; at most ", kEnvBytesMax));
  }
  return absl::OkStatus();
}

}  // namespace

void Catalogue::Impl::Publish(const std::string& changed) {
  snapshot = model.MakeSnapshot(snapshot.get(), changed);
  parts.publisher.Publish(snapshot);
}

absl::StatusOr<engine::ImportBindings> Catalogue::Impl::ResolveImports(
    const FunctionRevision& revision) {
  engine::Linker::ResolveOptions resolve;
  resolve.unknown = revision.unknown_imports;
  absl::StatusOr<engine::ImportBindings> imports = parts.linker.Resolve(*revision.module, resolve);
  if (absl::IsFailedPrecondition(imports.status())) {
    return absl::InvalidArgumentError(imports.status().message());
  }
  return imports;
}

absl::StatusOr<RevisionView> Catalogue::Impl::Deploy(const DeployRequest& request) {
  TP_RETURN_IF_ERROR(executor.Run([&] { return CheckDeployable(request); }));
  // Compiles only where the cache has lost it: uploads do.
  TP_ASSIGN_OR_RETURN(const ModulePtr module, store->Get(request.module_sha256));
  return executor.Run([&] { return DeployOnThread(request, module); });
}

absl::Status Catalogue::Impl::CheckDeployable(const DeployRequest& request) {
  TP_RETURN_IF_ERROR(CheckName("function", request.function));
  TP_RETURN_IF_ERROR(CheckStrings(request.settings));
  TP_ASSIGN_OR_RETURN(const ModelTenant* tenant, model.FindTenant(request.tenant));
  if (!tenant->modules.contains(request.module_sha256)) {
    return absl::NotFoundError(absl::StrCat("tenant \"",
                                            request.tenant,
                                            "\" has no module ",
                                            request.module_sha256,
                                            "; upload it first"));
  }
  const Limits limits = model.LimitsOf(request.tenant);
  const std::string whose =
      absl::StrCat("tenants/", request.tenant, "/functions/", request.function);
  TP_RETURN_IF_ERROR(CheckWithinTenant(request.settings.limits, limits, whose));
  const auto function = tenant->functions.find(request.function);
  if (function == tenant->functions.end()) {
    const uint64_t functions_max = limits.Get(LimitName::kFunctions);
    if (tenant->functions.size() >= functions_max) {
      return absl::ResourceExhaustedError(absl::StrCat("tenant \"",
                                                       request.tenant,
                                                       "\" has ",
                                                       tenant->functions.size(),
                                                       " functions; limit functions allows ",
                                                       functions_max,
                                                       " (set by ",
                                                       limits.SetBy(LimitName::kFunctions),
                                                       ")"));
    }
  } else if (function->second.revisions.size() >= kRevisionsPerFunctionMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat(whose,
                     " has ",
                     function->second.revisions.size(),
                     " revisions, the most that are kept; delete old ones"));
  }
  for (const RouteKey& key : request.routes) {
    TP_RETURN_IF_ERROR(CheckRoute(request.tenant, key, {.function = request.function}));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<FunctionRevision>> Catalogue::Impl::MakeRevision(
    const DeployRequest& request, const ModulePtr& module) {
  const ModelTenant& tenant = model.tenants.at(request.tenant);
  const auto function = tenant.functions.find(request.function);
  auto revision = std::make_shared<FunctionRevision>();
  revision->tenant = request.tenant;
  revision->function = request.function;
  revision->revision =
      function == tenant.functions.end() ? 1 : function->second.revisions.rbegin()->first + 1;
  revision->response = request.settings.response;
  revision->args = request.settings.args;
  revision->env = request.settings.env;
  revision->unknown_imports = request.settings.unknown_imports;
  revision->limit_overrides = request.settings.limits;
  revision->module_sha256 = request.module_sha256;
  revision->module_bytes = tenant.modules.at(request.module_sha256).wasm_bytes;
  revision->created_at_unix_ns = NowUnixNs();
  revision->module = module;
  if (request.settings.abi.has_value()) {
    revision->abi = *request.settings.abi;
    TP_RETURN_IF_ERROR(CheckAbi(module->info(), revision->abi));
  } else {
    TP_ASSIGN_OR_RETURN(revision->abi, DetectAbi(module->info()));
  }
  TP_ASSIGN_OR_RETURN(revision->imports, ResolveImports(*revision));
  TP_RETURN_IF_ERROR(CheckModuleFits(*module, model.LimitsOf(*revision)));
  if (options.check_fits) TP_RETURN_IF_ERROR(options.check_fits(*module));
  return revision;
}

absl::StatusOr<RevisionView> Catalogue::Impl::DeployOnThread(const DeployRequest& request,
                                                             const ModulePtr& module) {
  // Again: while the module was loaded, others may have made changes.
  TP_RETURN_IF_ERROR(CheckDeployable(request));
  TP_ASSIGN_OR_RETURN(std::shared_ptr<FunctionRevision> revision, MakeRevision(request, module));
  return CommitRevision(request, std::move(revision));
}

absl::StatusOr<RevisionView> Catalogue::Impl::CommitRevision(
    const DeployRequest& request, std::shared_ptr<FunctionRevision> revision) {
  ModelTenant& tenant = model.tenants.at(request.tenant);
  const auto known = tenant.functions.find(request.function);
  const uint64_t number = revision->revision;
  const int64_t now_unix_ns = revision->created_at_unix_ns;

  Database::Deployment deployment;
  deployment.function = {.id = known == tenant.functions.end() ? 0 : known->second.id,
                         .tenant_id = tenant.id,
                         .name = request.function,
                         .serving_revision = static_cast<int64_t>(number),
                         .created_at_unix_ns = now_unix_ns};
  deployment.revision = EncodeRevision(*revision);
  deployment.new_hosts = NewHosts(tenant.id, request.routes);
  for (const RouteKey& key : request.routes) {
    deployment.routes.push_back(
        {.host = key.host, .path = key.path, .created_at_unix_ns = now_unix_ns});
  }
  Step("deploy.checked");
  TP_ASSIGN_OR_RETURN(const int64_t id,
                      database->Deploy(std::move(deployment), [this] { Step("deploy.written"); }));
  Step("deploy.committed");

  ModelFunction& function = tenant.functions[request.function];
  if (function.id == 0) function.created_at_unix_ns = now_unix_ns;
  function.id = id;
  function.serving_revision = number;
  ModelRevision& made = function.revisions[number];
  made.revision = std::move(revision);
  for (const RouteKey& key : request.routes) {
    model.tenant_of_host[key.host] = request.tenant;
    model.routes[key] = {.tenant = request.tenant,
                         .target = {.function = request.function},
                         .created_at_unix_ns = now_unix_ns};
  }
  Publish(request.tenant);
  Step("deploy.published");
  return model.ViewOf(function, made);
}

absl::StatusOr<std::vector<FunctionView>> Catalogue::Impl::ListFunctions(
    const std::string& tenant) {
  if (!tenant.empty()) TP_RETURN_IF_ERROR(model.FindTenant(tenant).status());
  std::vector<FunctionView> views;
  for (const auto& [name, owner] : model.tenants) {
    if (!tenant.empty() && name != tenant) continue;
    for (const auto& [function_name, function] : owner.functions) {
      views.push_back(model.ViewOf(name, function_name, function));
    }
  }
  return views;
}

absl::StatusOr<std::vector<RevisionView>> Catalogue::Impl::ListRevisions(
    const std::string& tenant, const std::string& function) {
  TP_ASSIGN_OR_RETURN(const ModelFunction* found, model.FindFunction(tenant, function));
  std::vector<RevisionView> views;
  for (const auto& [number, revision] : found->revisions) {
    views.push_back(model.ViewOf(*found, revision));
  }
  return views;
}

absl::Status Catalogue::Impl::DeleteFunction(const std::string& tenant,
                                             const std::string& function) {
  TP_ASSIGN_OR_RETURN(ModelFunction * found, model.FindFunction(tenant, function));
  TP_RETURN_IF_ERROR(database->DeleteFunction(found->id));
  const Unused unused = UsedBy(*found);
  model.tenants.at(tenant).functions.erase(function);
  std::erase_if(model.routes, [&](const auto& route) {
    return route.second.tenant == tenant && route.second.target.function == function;
  });
  Publish(tenant);
  if (options.on_function_removed) options.on_function_removed(tenant, function);
  DropUnusedModules(tenant, unused);
  return absl::OkStatus();
}

absl::Status Catalogue::Impl::DeleteRevision(const std::string& tenant,
                                             const std::string& function,
                                             uint64_t number) {
  TP_ASSIGN_OR_RETURN(ModelFunction * found, model.FindFunction(tenant, function));
  const auto revision = found->revisions.find(number);
  if (revision == found->revisions.end()) {
    return absl::NotFoundError(absl::StrCat(
        "function \"", function, "\" of tenant \"", tenant, "\" has no revision ", number));
  }
  if (number == found->serving_revision) {
    return absl::FailedPreconditionError(absl::StrCat("revision ",
                                                      number,
                                                      " of function \"",
                                                      function,
                                                      "\" serves; deploy another, "
                                                      "or delete the function"));
  }
  for (const auto& [key, route] : model.routes) {
    if (route.tenant == tenant && route.target.function == function &&
        route.target.revision == number) {
      return absl::FailedPreconditionError(absl::StrCat(
          "route ", ToString(key), " leads to revision ", number, "; delete it first"));
    }
  }
  TP_RETURN_IF_ERROR(database->DeleteRevision(found->id, static_cast<int64_t>(number)));
  ModelFunction gone;
  gone.revisions.insert(found->revisions.extract(revision));
  Publish(tenant);
  DropUnusedModules(tenant, UsedBy(gone));
  return absl::OkStatus();
}

Catalogue::Impl::Unused Catalogue::Impl::UsedBy(const ModelFunction& function) {
  Unused used;
  for (const auto& [number, revision] : function.revisions) {
    used.module_sha256s.push_back(revision.revision->module_sha256);
    if (revision.revision->module != nullptr) {
      used.module_ids.push_back(revision.revision->module->id());
    }
  }
  return used;
}

// A module that only went with what was deleted goes too; if its row stays because the disk is
// full, it counts as an upload that was never deployed.
void Catalogue::Impl::DropUnusedModules(const std::string& tenant, const Unused& candidates) {
  ModelTenant& owner = model.tenants.at(tenant);
  for (const std::string& sha256 : candidates.module_sha256s) {
    if (!owner.modules.contains(sha256) || model.IsModuleUsedBy(owner, sha256)) continue;
    if (database->DeleteModule(owner.id, sha256).ok()) owner.modules.erase(sha256);
  }
  ReleaseUnused(candidates);
}

void Catalogue::Impl::ReleaseUnused(const Unused& candidates) {
  absl::flat_hash_set<uint64_t> used;
  for (const auto& [name, tenant] : model.tenants) {
    for (const auto& [function_name, function] : tenant.functions) {
      for (const uint64_t id : UsedBy(function).module_ids) used.insert(id);
    }
  }
  for (const uint64_t id : candidates.module_ids) {
    if (options.on_module_unused && used.insert(id).second) options.on_module_unused(id);
  }
  for (const std::string& sha256 : candidates.module_sha256s) {
    if (!model.IsModuleReferenced(sha256)) store->Remove(sha256);
  }
}

}  // namespace tidepool::daemon
