#include <google/protobuf/empty.pb.h>

#include "absl/strings/str_cat.h"

#include "daemon/control/admin_messages.h"
#include "daemon/control/admin_services.h"
#include "daemon/control/grpc_status.h"
#include "daemon/control/resource_names.h"
#include "engine/support/status_macros.h"

#include "tidepool/admin/v1/tenants.grpc.pb.h"

namespace tidepool::daemon {
namespace {

using grpc::ServerContext;

std::vector<std::string> Assignments(const admin::v1::Tenant& tenant) {
  std::vector<std::string> assignments;
  for (const auto& [name, value] : tenant.limits()) {
    assignments.push_back(absl::StrCat(name, "=", value));
  }
  return assignments;
}

class TenantsService final : public admin::v1::Tenants::Service {
 public:
  explicit TenantsService(Catalogue& catalogue) : catalogue_(catalogue) {}

 private:
  grpc::Status CreateTenant(ServerContext*,
                            const admin::v1::CreateTenantRequest* request,
                            admin::v1::Tenant* response) override {
    return StatusOf([&]() -> absl::Status {
      LimitOverrides limits;
      for (const std::string& assignment : Assignments(request->tenant())) {
        TP_RETURN_IF_ERROR(limits.SetFromText(assignment));
      }
      TP_ASSIGN_OR_RETURN(const TenantView view,
                          catalogue_.CreateTenant(request->tenant_id(), limits));
      Put(view, *response);
      return absl::OkStatus();
    }());
  }

  grpc::Status UpdateTenant(ServerContext*,
                            const admin::v1::UpdateTenantRequest* request,
                            admin::v1::Tenant* response) override {
    return StatusOf([&]() -> absl::Status {
      TP_ASSIGN_OR_RETURN(const std::string tenant, ParseTenantName(request->tenant().name()));
      TP_ASSIGN_OR_RETURN(const TenantView view,
                          catalogue_.UpdateTenant(tenant, Assignments(request->tenant())));
      Put(view, *response);
      return absl::OkStatus();
    }());
  }

  grpc::Status GetTenant(ServerContext*,
                         const admin::v1::GetTenantRequest* request,
                         admin::v1::Tenant* response) override {
    return StatusOf([&]() -> absl::Status {
      TP_ASSIGN_OR_RETURN(const std::string tenant, ParseTenantName(request->name()));
      TP_ASSIGN_OR_RETURN(const TenantView view, catalogue_.GetTenant(tenant));
      Put(view, *response);
      return absl::OkStatus();
    }());
  }

  grpc::Status ListTenants(ServerContext*,
                           const admin::v1::ListTenantsRequest*,
                           admin::v1::ListTenantsResponse* response) override {
    for (const TenantView& view : catalogue_.ListTenants()) Put(view, *response->add_tenants());
    return grpc::Status::OK;
  }

  grpc::Status DeleteTenant(ServerContext*,
                            const admin::v1::DeleteTenantRequest* request,
                            google::protobuf::Empty*) override {
    return StatusOf([&]() -> absl::Status {
      TP_ASSIGN_OR_RETURN(const std::string tenant, ParseTenantName(request->name()));
      return catalogue_.DeleteTenant(tenant);
    }());
  }

  Catalogue& catalogue_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeTenantsService(Catalogue& catalogue) {
  return std::make_unique<TenantsService>(catalogue);
}

}  // namespace tidepool::daemon
