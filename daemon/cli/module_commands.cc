#include <google/protobuf/empty.pb.h>

#include "absl/strings/str_cat.h"
#include <boost/json.hpp>

#include "daemon/cli/api_client.h"
#include "daemon/cli/api_json.h"
#include "daemon/cli/commands.h"

#include "tidepool/admin/v1/modules.grpc.pb.h"

namespace tidepool::daemon {

using admin::v1::Modules;

ExitCode ListModules(Session& session) {
  absl::StatusOr<std::string> tenant = session.TenantName();
  if (!tenant.ok()) return session.UsageError(std::string(tenant.status().message()));
  admin::v1::ListModulesRequest request;
  request.set_parent(*tenant);
  return Call<Modules>(
      session,
      &Modules::Stub::ListModules,
      request,
      [&](const admin::v1::ListModulesResponse& response) {
        Report report{.data = boost::json::array(), .header = {"SHA-256", "BYTES", "UPLOADED"}};
        for (const admin::v1::Module& module : response.modules()) {
          report.data.get_array().push_back(ToJson(module));
          report.rows.push_back({LastPart(module.name()),
                                 absl::StrCat(module.wasm_bytes()),
                                 FormatTime(module.create_time())});
          report.names.push_back(module.name());
        }
        return session.Succeed(report);
      });
}

ExitCode DeleteModule(Session& session, const std::string& sha256) {
  absl::StatusOr<std::string> tenant = session.TenantName();
  if (!tenant.ok()) return session.UsageError(std::string(tenant.status().message()));
  admin::v1::DeleteModuleRequest request;
  request.set_name(absl::StrCat(*tenant, "/modules/", sha256));
  return Call<Modules>(
      session, &Modules::Stub::DeleteModule, request, [&](const google::protobuf::Empty&) {
        session.Remark(absl::StrCat("deleted ", request.name()));
        return session.Succeed(
            {.data = boost::json::object{{"deleted", request.name()}}, .names = {request.name()}});
      });
}

}  // namespace tidepool::daemon
