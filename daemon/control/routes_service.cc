#include <google/protobuf/empty.pb.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "daemon/control/admin_messages.h"
#include "daemon/control/admin_services.h"
#include "daemon/control/grpc_status.h"
#include "daemon/control/resource_names.h"
#include "engine/support/status_macros.h"

#include "tidepool/admin/v1/routes.grpc.pb.h"

namespace tidepool::daemon {
namespace {

using grpc::ServerContext;

class RoutesService final : public admin::v1::Routes::Service {
 public:
  explicit RoutesService(Catalogue& catalogue) : catalogue_(catalogue) {}

 private:
  grpc::Status CreateRoute(ServerContext*,
                           const admin::v1::CreateRouteRequest* request,
                           admin::v1::Route* response) override {
    return StatusOf([&]() -> absl::Status {
      TP_ASSIGN_OR_RETURN(const std::string tenant, ParseTenantName(request->parent()));
      TP_ASSIGN_OR_RETURN(const RouteKey key, ParseRoute(request->route()));
      absl::string_view function = request->function();
      if (!absl::ConsumePrefix(&function, absl::StrCat(request->parent(), "/functions/"))) {
        return absl::InvalidArgumentError(
            absl::StrCat("\"", request->function(), "\" is not a function of ", request->parent()));
      }
      TP_ASSIGN_OR_RETURN(const RouteTarget target, ParseRouteTarget(function));
      TP_ASSIGN_OR_RETURN(const RouteView view, catalogue_.AddRoute(tenant, key, target));
      Put(view, *response);
      return absl::OkStatus();
    }());
  }

  grpc::Status ListRoutes(ServerContext*,
                          const admin::v1::ListRoutesRequest* request,
                          admin::v1::ListRoutesResponse* response) override {
    return StatusOf([&]() -> absl::Status {
      TP_ASSIGN_OR_RETURN(const std::string tenant, ParseTenantOrAll(request->parent()));
      TP_ASSIGN_OR_RETURN(const std::vector<RouteView> views, catalogue_.ListRoutes(tenant));
      for (const RouteView& view : views) Put(view, *response->add_routes());
      return absl::OkStatus();
    }());
  }

  grpc::Status DeleteRoute(ServerContext*,
                           const admin::v1::DeleteRouteRequest* request,
                           google::protobuf::Empty*) override {
    return StatusOf([&]() -> absl::Status {
      TP_ASSIGN_OR_RETURN(const ChildName name, ParseRouteName(request->name()));
      TP_ASSIGN_OR_RETURN(const RouteKey key, ParseRoute(name.child));
      return catalogue_.DeleteRoute(name.tenant, key);
    }());
  }

  Catalogue& catalogue_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeRoutesService(Catalogue& catalogue) {
  return std::make_unique<RoutesService>(catalogue);
}

}  // namespace tidepool::daemon
