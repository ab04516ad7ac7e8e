#include "daemon/catalogue/catalogue.h"

#include <fcntl.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "daemon/catalogue/catalogue_impl.h"
#include "engine/platform/syscall_error.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {

int64_t NowUnixNs() {
  return absl::ToUnixNanos(absl::Now());
}

absl::Status ModuleTooLarge(absl::string_view tenant,
                            uint64_t bytes,
                            uint64_t bytes_max,
                            absl::string_view set_by) {
  return absl::ResourceExhaustedError(absl::StrCat("the module has ",
                                                   bytes,
                                                   " bytes or more; limit module_size of tenants/",
                                                   tenant,
                                                   " is ",
                                                   FormatLimit(LimitName::kModuleSize, bytes_max),
                                                   " (set by ",
                                                   set_by,
                                                   ")"));
}

Catalogue::Impl::Impl(Options options_in, Parts parts_in)
    : options(std::move(options_in)), parts(parts_in), model(options.default_limits) {}

Catalogue::Catalogue(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Catalogue::~Catalogue() = default;

absl::StatusOr<std::unique_ptr<Catalogue>> Catalogue::Open(Options options, Parts parts) {
  auto impl = std::make_unique<Impl>(std::move(options), parts);
  TP_RETURN_IF_ERROR(impl->executor.Run([&] { return impl->Open(); }));
  return std::unique_ptr<Catalogue>(new Catalogue(std::move(impl)));
}

const std::vector<std::string>& Catalogue::problems() const {
  return impl_->problems;
}

absl::StatusOr<TenantView> Catalogue::CreateTenant(const std::string& tenant,
                                                   const LimitOverrides& limits) {
  return impl_->executor.Run([&] { return impl_->CreateTenant(tenant, limits); });
}

absl::StatusOr<TenantView> Catalogue::UpdateTenant(const std::string& tenant,
                                                   const std::vector<std::string>& assignments) {
  return impl_->executor.Run([&] { return impl_->UpdateTenant(tenant, assignments); });
}

absl::StatusOr<TenantView> Catalogue::GetTenant(const std::string& tenant) {
  return impl_->executor.Run([&] { return impl_->GetTenant(tenant); });
}

std::vector<TenantView> Catalogue::ListTenants() {
  return impl_->executor.Run([&] {
    std::vector<TenantView> views;
    for (const auto& [name, tenant] : impl_->model.tenants) {
      views.push_back(impl_->model.ViewOf(name, tenant));
    }
    return views;
  });
}

absl::Status Catalogue::DeleteTenant(const std::string& tenant) {
  return impl_->executor.Run([&] { return impl_->DeleteTenant(tenant); });
}

absl::StatusOr<std::unique_ptr<ModuleUpload>> Catalogue::StartUpload(const std::string& tenant,
                                                                     uint64_t total_bytes,
                                                                     const std::string& sha256) {
  TP_ASSIGN_OR_RETURN(const TenantView view, GetTenant(tenant));
  ModuleUpload::Expectation expected{.total_bytes = total_bytes,
                                     .sha256 = sha256,
                                     .bytes_max = view.limits->Get(LimitName::kModuleSize),
                                     .set_by = view.limits->SetBy(LimitName::kModuleSize)};
  if (total_bytes > expected.bytes_max) {
    return ModuleTooLarge(tenant, total_bytes, expected.bytes_max, expected.set_by);
  }
  std::string path = impl_->parts.state.NewTemporaryPath(".wasm");
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) return DiskStatus(SyscallError("open", path));
  return std::unique_ptr<ModuleUpload>(
      new ModuleUpload(*this, tenant, std::move(expected), std::move(path), std::move(fd)));
}

absl::StatusOr<std::vector<ModuleView>> Catalogue::ListModules(const std::string& tenant) {
  return impl_->executor.Run([&]() -> absl::StatusOr<std::vector<ModuleView>> {
    TP_ASSIGN_OR_RETURN(const ModelTenant* owner, impl_->model.FindTenant(tenant));
    std::vector<ModuleView> views;
    for (const auto& [sha256, module] : owner->modules) views.push_back(module);
    return views;
  });
}

absl::Status Catalogue::DeleteModule(const std::string& tenant, const std::string& sha256) {
  return impl_->executor.Run([&] { return impl_->DeleteModule(tenant, sha256); });
}

absl::StatusOr<RevisionView> Catalogue::Deploy(const DeployRequest& request) {
  return impl_->Deploy(request);
}

absl::StatusOr<FunctionView> Catalogue::GetFunction(const std::string& tenant,
                                                    const std::string& function) {
  return impl_->executor.Run([&]() -> absl::StatusOr<FunctionView> {
    TP_ASSIGN_OR_RETURN(const ModelFunction* found, impl_->model.FindFunction(tenant, function));
    return impl_->model.ViewOf(tenant, function, *found);
  });
}

absl::StatusOr<std::vector<FunctionView>> Catalogue::ListFunctions(const std::string& tenant) {
  return impl_->executor.Run([&] { return impl_->ListFunctions(tenant); });
}

absl::StatusOr<std::vector<RevisionView>> Catalogue::ListRevisions(const std::string& tenant,
                                                                   const std::string& function) {
  return impl_->executor.Run([&] { return impl_->ListRevisions(tenant, function); });
}

absl::Status Catalogue::DeleteFunction(const std::string& tenant, const std::string& function) {
  return impl_->executor.Run([&] { return impl_->DeleteFunction(tenant, function); });
}

absl::Status Catalogue::DeleteRevision(const std::string& tenant,
                                       const std::string& function,
                                       uint64_t revision) {
  return impl_->executor.Run([&] { return impl_->DeleteRevision(tenant, function, revision); });
}

absl::StatusOr<RouteView> Catalogue::AddRoute(const std::string& tenant,
                                              const RouteKey& key,
                                              const RouteTarget& target) {
  return impl_->executor.Run([&] { return impl_->AddRoute(tenant, key, target); });
}

absl::StatusOr<std::vector<RouteView>> Catalogue::ListRoutes(const std::string& tenant) {
  return impl_->executor.Run([&] { return impl_->ListRoutes(tenant); });
}

absl::Status Catalogue::DeleteRoute(const std::string& tenant, const RouteKey& key) {
  return impl_->executor.Run([&] { return impl_->DeleteRoute(tenant, key); });
}

}  // namespace tidepool::daemon
