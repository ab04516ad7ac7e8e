#include <google/protobuf/empty.pb.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <boost/json.hpp>

#include "daemon/cli/api_client.h"
#include "daemon/cli/api_json.h"
#include "daemon/cli/assignments.h"
#include "daemon/cli/commands.h"

#include "tidepool/admin/v1/tenants.grpc.pb.h"

namespace tidepool::daemon {
namespace {

using admin::v1::Tenants;

ExitCode ShowTenant(Session& session, const admin::v1::Tenant& tenant) {
  Report report{.data = ToJson(tenant), .header = {"LIMIT", "VALUE", "SET BY"}, .rows = {}};
  for (const auto& limit : tenant.effective_limits()) {
    report.rows.push_back({limit.limit(), limit.value(), limit.set_by()});
  }
  report.names = {tenant.name()};
  return session.Succeed(report);
}

}  // namespace

ExitCode CreateTenant(Session& session, const TenantArguments& arguments) {
  admin::v1::CreateTenantRequest request;
  request.set_tenant_id(arguments.name);
  const absl::Status limits =
      PutAssignments("--limit", arguments.limits, *request.mutable_tenant()->mutable_limits());
  if (!limits.ok()) return session.UsageError(std::string(limits.message()));
  return Call<Tenants>(
      session, &Tenants::Stub::CreateTenant, request, [&](const admin::v1::Tenant& tenant) {
        return session.Succeed({.data = ToJson(tenant),
                                .rows = {{LastPart(tenant.name())}},
                                .names = {tenant.name()}});
      });
}

ExitCode SetTenant(Session& session, const TenantArguments& arguments) {
  if (arguments.limits.empty()) return session.UsageError("set what? Say --limit NAME=VALUE");
  admin::v1::UpdateTenantRequest request;
  request.mutable_tenant()->set_name(absl::StrCat("tenants/", arguments.name));
  const absl::Status limits =
      PutAssignments("--limit", arguments.limits, *request.mutable_tenant()->mutable_limits());
  if (!limits.ok()) return session.UsageError(std::string(limits.message()));
  return Call<Tenants>(
      session, &Tenants::Stub::UpdateTenant, request, [&](const admin::v1::Tenant& tenant) {
        return ShowTenant(session, tenant);
      });
}

ExitCode GetTenant(Session& session, const TenantArguments& arguments) {
  admin::v1::GetTenantRequest request;
  request.set_name(absl::StrCat("tenants/", arguments.name));
  return Call<Tenants>(
      session, &Tenants::Stub::GetTenant, request, [&](const admin::v1::Tenant& tenant) {
        return ShowTenant(session, tenant);
      });
}

ExitCode ListTenants(Session& session) {
  return Call<Tenants>(
      session,
      &Tenants::Stub::ListTenants,
      admin::v1::ListTenantsRequest(),
      [&](const admin::v1::ListTenantsResponse& response) {
        Report report{.data = boost::json::array(),
                      .header = {"TENANT", "FUNCTIONS", "HOSTS", "LIMITS SET", "CREATED"}};
        for (const admin::v1::Tenant& tenant : response.tenants()) {
          report.data.get_array().push_back(ToJson(tenant));
          const std::map<std::string, std::string> limits(tenant.limits().begin(),
                                                          tenant.limits().end());
          report.rows.push_back({LastPart(tenant.name()),
                                 absl::StrCat(tenant.function_count()),
                                 absl::StrJoin(tenant.hosts(), ","),
                                 absl::StrJoin(limits, " ", absl::PairFormatter("=")),
                                 FormatTime(tenant.create_time())});
          report.names.push_back(tenant.name());
        }
        return session.Succeed(report);
      });
}

ExitCode DeleteTenant(Session& session, const TenantArguments& arguments) {
  admin::v1::DeleteTenantRequest request;
  request.set_name(absl::StrCat("tenants/", arguments.name));
  return Call<Tenants>(
      session, &Tenants::Stub::DeleteTenant, request, [&](const google::protobuf::Empty&) {
        session.Remark(absl::StrCat("deleted ", request.name()));
        return session.Succeed(
            {.data = boost::json::object{{"deleted", request.name()}}, .names = {request.name()}});
      });
}

}  // namespace tidepool::daemon
