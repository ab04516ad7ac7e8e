#include <google/protobuf/empty.pb.h>

#include "absl/strings/str_cat.h"

#include "daemon/control/admin_messages.h"
#include "daemon/control/admin_services.h"
#include "daemon/control/grpc_status.h"
#include "daemon/control/resource_names.h"
#include "engine/support/status_macros.h"

#include "tidepool/admin/v1/functions.grpc.pb.h"

namespace tidepool::daemon {
namespace {

using grpc::ServerContext;

absl::Status NoSuchRevision(const FunctionName& name) {
  return absl::NotFoundError(absl::StrCat("function \"",
                                          name.function,
                                          "\" of tenant \"",
                                          name.tenant,
                                          "\" has no revision ",
                                          name.revision));
}

class FunctionsService final : public admin::v1::Functions::Service {
 public:
  explicit FunctionsService(Catalogue& catalogue) : catalogue_(catalogue) {}

 private:
  grpc::Status DeployFunction(ServerContext*,
                              const admin::v1::DeployFunctionRequest* request,
                              admin::v1::Revision* response) override {
    return StatusOf([&]() -> absl::Status {
      DeployRequest deploy;
      TP_ASSIGN_OR_RETURN(deploy.tenant, ParseTenantName(request->parent()));
      deploy.function = request->function_id();
      TP_ASSIGN_OR_RETURN(const ChildName module, ParseModuleName(request->module()));
      if (module.tenant != deploy.tenant) {
        return absl::InvalidArgumentError(
            absl::StrCat("module ", request->module(), " is not one of ", request->parent()));
      }
      deploy.module_sha256 = module.child;
      TP_ASSIGN_OR_RETURN(deploy.settings, TakeSettings(request->settings()));
      for (const std::string& route : request->routes()) {
        TP_ASSIGN_OR_RETURN(deploy.routes.emplace_back(), ParseRoute(route));
      }
      TP_ASSIGN_OR_RETURN(const RevisionView view, catalogue_.Deploy(deploy));
      Put(view, Detail::kFull, *response);
      return absl::OkStatus();
    }());
  }

  grpc::Status GetFunction(ServerContext*,
                           const admin::v1::GetFunctionRequest* request,
                           admin::v1::Function* response) override {
    return StatusOf([&]() -> absl::Status {
      TP_ASSIGN_OR_RETURN(const FunctionName name, ParseFunctionName(request->name()));
      TP_ASSIGN_OR_RETURN(const FunctionView view,
                          catalogue_.GetFunction(name.tenant, name.function));
      Put(view, Detail::kFull, *response);
      return absl::OkStatus();
    }());
  }

  grpc::Status GetRevision(ServerContext*,
                           const admin::v1::GetRevisionRequest* request,
                           admin::v1::Revision* response) override {
    return StatusOf([&]() -> absl::Status {
      TP_ASSIGN_OR_RETURN(const FunctionName name, ParseFunctionName(request->name()));
      TP_ASSIGN_OR_RETURN(const std::vector<RevisionView> views,
                          catalogue_.ListRevisions(name.tenant, name.function));
      for (const RevisionView& view : views) {
        if (view.revision->revision != name.revision) continue;
        Put(view, Detail::kFull, *response);
        return absl::OkStatus();
      }
      return NoSuchRevision(name);
    }());
  }

  grpc::Status ListFunctions(ServerContext*,
                             const admin::v1::ListFunctionsRequest* request,
                             admin::v1::ListFunctionsResponse* response) override {
    return StatusOf([&]() -> absl::Status {
      TP_ASSIGN_OR_RETURN(const std::string tenant, ParseTenantOrAll(request->parent()));
      TP_ASSIGN_OR_RETURN(const std::vector<FunctionView> views, catalogue_.ListFunctions(tenant));
      for (const FunctionView& view : views) {
        Put(view, Detail::kBrief, *response->add_functions());
      }
      return absl::OkStatus();
    }());
  }

  grpc::Status DeleteFunction(ServerContext*,
                              const admin::v1::DeleteFunctionRequest* request,
                              google::protobuf::Empty*) override {
    return StatusOf([&]() -> absl::Status {
      TP_ASSIGN_OR_RETURN(const FunctionName name, ParseFunctionName(request->name()));
      if (name.revision != 0) {
        return catalogue_.DeleteRevision(name.tenant, name.function, name.revision);
      }
      return catalogue_.DeleteFunction(name.tenant, name.function);
    }());
  }

  grpc::Status ListRevisions(ServerContext*,
                             const admin::v1::ListRevisionsRequest* request,
                             admin::v1::ListRevisionsResponse* response) override {
    return StatusOf([&]() -> absl::Status {
      TP_ASSIGN_OR_RETURN(const FunctionName name, ParseFunctionName(request->parent()));
      TP_ASSIGN_OR_RETURN(const std::vector<RevisionView> views,
                          catalogue_.ListRevisions(name.tenant, name.function));
      for (const RevisionView& view : views) {
        Put(view, Detail::kBrief, *response->add_revisions());
      }
      return absl::OkStatus();
    }());
  }

  Catalogue& catalogue_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeFunctionsService(Catalogue& catalogue) {
  return std::make_unique<FunctionsService>(catalogue);
}

}  // namespace tidepool::daemon
