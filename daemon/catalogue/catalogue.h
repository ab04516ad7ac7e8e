// Catalogue: which tenants, functions, revisions and routes exist – kept on disk, served from
// memory.
//
//   UploadModule bytes → tmp/ ─compile in the sandbox, verify─► artifacts/ ─rename─► modules/ ─┐
//                                                              one transaction, catalogue.db ◄─┘
//   Deploy       module → ABI, imports, limits checked ─one transaction─► new snapshot published
//
// Life     Open cleans up what a crash left, loads every revision (compiling again where the cache
//          lacks it), and publishes the first snapshot.
// Threads  Thread-safe.  Calls wait: changes for the disk, uploads for the compiler.  SQLite and
// the
//          model in memory belong to one thread of the catalogue's own; compiling does not happen
//          there, so a slow upload delays no other change.
// Durable  A call that returned OK survives kill -9 and a power cut; one that did not has changed
//          nothing that serves.
// Errors   NotFound, AlreadyExists, InvalidArgument (the name, module or setting, and why),
//          ResourceExhausted (which limit of which tenant), PermissionDenied (another tenant's
//          host), FailedPrecondition (in use; a newer schema), Unavailable (disk full, no
//          compiler), DataLoss (a file of ours is damaged).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "daemon/catalogue/capacity.h"
#include "daemon/catalogue/catalogue_views.h"
#include "daemon/catalogue/module_compiler.h"
#include "daemon/catalogue/routing_snapshot.h"
#include "daemon/catalogue/state_directory.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/linker.h"

namespace tidepool::daemon {

class ModuleUpload;

class Catalogue {
 public:
  struct Options {
    Limits default_limits;  // Settings [limits].
    Capacity capacity;
    uint32_t compilations_max = 2;  // At once.

    // Asked of each module that is deployed: not OK when the pool could never give it an instance.
    std::function<absl::Status(const engine::Module&)> check_fits;
    // Told after a change: no revision uses this module any more; this function is gone.
    std::function<void(uint64_t module_id)> on_module_unused;
    std::function<void(const std::string& tenant, const std::string& function)> on_function_removed;
    // Called by name between the steps of a change: "deploy.committed".  Tests kill the process
    // there.
    std::function<void(absl::string_view step)> on_step_for_test;
  };
  // All of these must outlive the catalogue.  `linker` is complete: nobody adds to it afterwards,
  // and only the catalogue resolves against it.
  struct Parts {
    const StateDirectory& state;
    engine::Engine& engine;
    engine::Linker& linker;
    ModuleCompiler& compiler;
    SnapshotPublisher& publisher;
  };
  static absl::StatusOr<std::unique_ptr<Catalogue>> Open(Options options, Parts parts);
  ~Catalogue();

  // Revisions that could not be loaded at Open, each with its reason, for the daemon's log.  They
  // are listed and not served; everything else is.
  const std::vector<std::string>& problems() const;

  absl::StatusOr<TenantView> CreateTenant(const std::string& tenant, const LimitOverrides& limits);
  // Each "NAME=VALUE", or "NAME=default", changes one limit.
  absl::StatusOr<TenantView> UpdateTenant(const std::string& tenant,
                                          const std::vector<std::string>& assignments);
  absl::StatusOr<TenantView> GetTenant(const std::string& tenant);
  std::vector<TenantView> ListTenants();
  // With everything that belongs to it.
  absl::Status DeleteTenant(const std::string& tenant);

  // An upload for `tenant`; `total_bytes` and `sha256` may be 0 and empty when unknown.
  absl::StatusOr<std::unique_ptr<ModuleUpload>> StartUpload(const std::string& tenant,
                                                            uint64_t total_bytes,
                                                            const std::string& sha256);
  absl::StatusOr<std::vector<ModuleView>> ListModules(const std::string& tenant);
  absl::Status DeleteModule(const std::string& tenant, const std::string& sha256);

  absl::StatusOr<RevisionView> Deploy(const DeployRequest& request);
  absl::StatusOr<FunctionView> GetFunction(const std::string& tenant, const std::string& function);
  // Empty tenant: of all.
  absl::StatusOr<std::vector<FunctionView>> ListFunctions(const std::string& tenant);
  absl::StatusOr<std::vector<RevisionView>> ListRevisions(const std::string& tenant,
                                                          const std::string& function);
  absl::Status DeleteFunction(const std::string& tenant, const std::string& function);
  // FailedPrecondition: it serves, or a route leads to it.
  absl::Status DeleteRevision(const std::string& tenant,
                              const std::string& function,
                              uint64_t revision);

  absl::StatusOr<RouteView> AddRoute(const std::string& tenant,
                                     const RouteKey& key,
                                     const RouteTarget& target);
  absl::StatusOr<std::vector<RouteView>> ListRoutes(const std::string& tenant);
  absl::Status DeleteRoute(const std::string& tenant, const RouteKey& key);

 private:
  friend class ModuleUpload;
  struct Impl;
  explicit Catalogue(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace tidepool::daemon
