#include <google/protobuf/empty.pb.h>

#include "absl/strings/str_cat.h"
#include <boost/json.hpp>

#include "daemon/cli/api_client.h"
#include "daemon/cli/api_json.h"
#include "daemon/cli/commands.h"

#include "tidepool/admin/v1/routes.grpc.pb.h"

namespace tidepool::daemon {

using admin::v1::Routes;

ExitCode AddRoute(Session& session, const std::string& route, const std::string& function) {
  absl::StatusOr<std::string> tenant = session.TenantName();
  if (!tenant.ok()) return session.UsageError(std::string(tenant.status().message()));
  admin::v1::CreateRouteRequest request;
  request.set_parent(*tenant);
  request.set_route(route);
  request.set_function(absl::StrCat(*tenant, "/functions/", function));
  return Call<Routes>(
      session, &Routes::Stub::CreateRoute, request, [&](const admin::v1::Route& made) {
        return session.Succeed({.data = ToJson(made),
                                .rows = {{absl::StrCat(made.host(), made.path())}},
                                .names = {made.name()}});
      });
}

ExitCode ListRoutes(Session& session) {
  admin::v1::ListRoutesRequest request;
  request.set_parent(session.TenantNameOrAll());
  return Call<Routes>(session,
                      &Routes::Stub::ListRoutes,
                      request,
                      [&](const admin::v1::ListRoutesResponse& response) {
                        Report report{.data = boost::json::array(),
                                      .header = {"ROUTE", "TENANT", "FUNCTION", "CREATED"}};
                        for (const admin::v1::Route& route : response.routes()) {
                          report.data.get_array().push_back(ToJson(route));
                          report.rows.push_back({absl::StrCat(route.host(), route.path()),
                                                 TenantPart(route.name()),
                                                 LastPart(route.function()),
                                                 FormatTime(route.create_time())});
                          report.names.push_back(route.name());
                        }
                        return session.Succeed(report);
                      });
}

ExitCode DeleteRoute(Session& session, const std::string& route) {
  absl::StatusOr<std::string> tenant = session.TenantName();
  if (!tenant.ok()) return session.UsageError(std::string(tenant.status().message()));
  admin::v1::DeleteRouteRequest request;
  request.set_name(absl::StrCat(*tenant, "/routes/", route));
  return Call<Routes>(
      session, &Routes::Stub::DeleteRoute, request, [&](const google::protobuf::Empty&) {
        session.Remark(absl::StrCat("deleted ", request.name()));
        return session.Succeed(
            {.data = boost::json::object{{"deleted", request.name()}}, .names = {request.name()}});
      });
}

}  // namespace tidepool::daemon
