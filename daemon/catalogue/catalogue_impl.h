// Catalogue::Impl: what the catalogue's files share.  Not for use outside this folder.
//
//   catalogue.cc          the public calls, each handed to the catalogue's thread
//   catalogue_load.cc     opening: rows → model, modules loaded, orphans removed
//   catalogue_tenants.cc  tenants and modules
//   catalogue_deploy.cc   functions and revisions
//   catalogue_routes.cc   routes and hosts
//
// Every change goes the same way: check against the model, write one transaction, change the model,
// publish a snapshot, remove files that nobody needs any more.  A crash between any two of these
// leaves what is on disk, and opening makes the rest of it again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"

#include "daemon/catalogue/artifact_store.h"
#include "daemon/catalogue/catalogue.h"
#include "daemon/catalogue/database.h"
#include "daemon/catalogue/model.h"
#include "daemon/catalogue/module_upload.h"
#include "daemon/catalogue/serial_executor.h"

namespace tidepool::daemon {

absl::Status ModuleTooLarge(absl::string_view tenant,
                            uint64_t bytes,
                            uint64_t bytes_max,
                            absl::string_view set_by);
int64_t NowUnixNs();

struct Catalogue::Impl {
  Impl(Options options, Parts parts);

  // Catalogue's callers' threads.
  absl::StatusOr<ModuleView> AdmitModule(const std::string& tenant,
                                         const std::string& sha256,
                                         const std::string& path,
                                         absl::Span<const uint8_t> wasm);
  absl::StatusOr<RevisionView> Deploy(const DeployRequest& request);

  // The catalogue's thread, as all that follow.  catalogue_load.cc
  absl::Status Open();
  absl::Status LoadRows(const AllRows& rows);
  void LoadRevision(const std::string& tenant, const std::string& function, const RevisionRow& row);
  void DropAbandonedUploads();

  // catalogue_tenants.cc
  absl::StatusOr<TenantView> CreateTenant(const std::string& name, const LimitOverrides& limits);
  absl::StatusOr<TenantView> UpdateTenant(const std::string& name,
                                          const std::vector<std::string>& assignments);
  absl::StatusOr<TenantView> GetTenant(const std::string& name);
  absl::Status DeleteTenant(const std::string& name);
  absl::StatusOr<ModuleView> RecordModule(const std::string& tenant,
                                          const ModuleView& module,
                                          const std::string& path);
  absl::Status DeleteModule(const std::string& tenant, const std::string& sha256);

  // catalogue_deploy.cc
  absl::Status CheckDeployable(const DeployRequest& request);
  absl::StatusOr<std::shared_ptr<FunctionRevision>> MakeRevision(const DeployRequest& request,
                                                                 const ModulePtr& module);
  absl::StatusOr<RevisionView> CommitRevision(const DeployRequest& request,
                                              std::shared_ptr<FunctionRevision> revision);
  absl::StatusOr<RevisionView> DeployOnThread(const DeployRequest& request,
                                              const ModulePtr& module);
  absl::StatusOr<engine::ImportBindings> ResolveImports(const FunctionRevision& revision);
  absl::StatusOr<std::vector<FunctionView>> ListFunctions(const std::string& tenant);
  absl::StatusOr<std::vector<RevisionView>> ListRevisions(const std::string& tenant,
                                                          const std::string& function);
  absl::Status DeleteFunction(const std::string& tenant, const std::string& function);
  absl::Status DeleteRevision(const std::string& tenant,
                              const std::string& function,
                              uint64_t number);

  // catalogue_routes.cc
  // OK, or why this route cannot lead to `target`: PermissionDenied, AlreadyExists.
  absl::Status CheckRoute(const std::string& tenant,
                          const RouteKey& key,
                          const RouteTarget& target) const;
  // The hosts among `keys` that nobody has yet, each once.
  std::vector<HostRow> NewHosts(int64_t tenant_id, const std::vector<RouteKey>& keys) const;
  absl::StatusOr<RouteView> AddRoute(const std::string& tenant,
                                     const RouteKey& key,
                                     const RouteTarget& target);
  absl::StatusOr<std::vector<RouteView>> ListRoutes(const std::string& tenant);
  absl::Status DeleteRoute(const std::string& tenant, const RouteKey& key);

  // `changed`: the tenant whose entry is made anew.
  void Publish(const std::string& changed);
  // What followed from revisions that are gone: files, pool storage.
  struct Unused {
    std::vector<std::string> module_sha256s;
    std::vector<uint64_t> module_ids;
  };
  // Of these revisions, before they leave the model.
  static Unused UsedBy(const ModelFunction& function);
  void DropUnusedModules(const std::string& tenant, const Unused& candidates);
  void ReleaseUnused(const Unused& candidates);
  void Step(absl::string_view step) const {
    if (options.on_step_for_test) options.on_step_for_test(step);
  }

  // Constant after construction.
  const Options options;
  const Parts parts;
  std::unique_ptr<ArtifactStore> store;  // Thread-safe by itself.
  std::vector<std::string> problems;

  // The catalogue's thread's own.
  std::optional<Database> database;
  Model model;
  std::shared_ptr<const RoutingSnapshot> snapshot;

  SerialExecutor executor;  // Last: its thread ends before what it uses.
};

}  // namespace tidepool::daemon
