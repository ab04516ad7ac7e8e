#include <google/protobuf/empty.pb.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <boost/json.hpp>

#include "daemon/cli/api_client.h"
#include "daemon/cli/api_json.h"
#include "daemon/cli/commands.h"

#include "tidepool/admin/v1/functions.grpc.pb.h"

namespace tidepool::daemon {
namespace {

using admin::v1::Functions;

std::string Signature(const admin::v1::ExportedFunction& exported) {
  const auto names = [](const auto& types) {
    return absl::StrJoin(types, " ", [](std::string* out, int type) {
      out->append(NameOf(static_cast<admin::v1::ValueType>(type)));
    });
  };
  return absl::StrCat(
      exported.name(), " [", names(exported.params()), "] -> [", names(exported.results()), "]");
}

Report DescribeFunction(const admin::v1::Function& function) {
  const admin::v1::Revision& revision = function.serving_revision();
  const admin::v1::FunctionSettings& settings = revision.settings();
  Report report{.data = ToJson(function), .names = {function.name()}};
  const auto add = [&](std::string what, std::string value) {
    report.rows.push_back({std::move(what), std::move(value)});
  };
  add("function", function.name());
  add("serves", absl::StrCat("revision ", revision.number(), " of ", function.revision_count()));
  if (!revision.problem().empty()) add("problem", revision.problem());
  add("abi", NameOf(settings.abi()));
  add("response", NameOf(settings.response()));
  add("unknown imports", NameOf(settings.unknown_imports()));
  add("module",
      absl::StrCat(LastPart(revision.module()), " (", revision.module_bytes(), " bytes)"));
  if (settings.args_size() != 0) add("args", absl::StrJoin(settings.args(), " "));
  for (const auto& variable : settings.env()) {
    add("env", absl::StrCat(variable.name(), "=", variable.value()));
  }
  for (const std::string& route : function.routes()) add("route", route);
  for (const auto& exported : revision.exports()) add("export", Signature(exported));
  for (const auto& limit : revision.effective_limits()) {
    add(absl::StrCat("limit ", limit.limit()),
        absl::StrCat(limit.value(), " (", limit.set_by(), ")"));
  }
  return report;
}

}  // namespace

ExitCode GetFunction(Session& session, const std::string& name) {
  absl::StatusOr<std::string> tenant = session.TenantName();
  if (!tenant.ok()) return session.UsageError(std::string(tenant.status().message()));
  admin::v1::GetFunctionRequest request;
  request.set_name(absl::StrCat(*tenant, "/functions/", name));
  return Call<Functions>(
      session, &Functions::Stub::GetFunction, request, [&](const admin::v1::Function& function) {
        return session.Succeed(DescribeFunction(function));
      });
}

ExitCode ListFunctions(Session& session) {
  admin::v1::ListFunctionsRequest request;
  request.set_parent(session.TenantNameOrAll());
  return Call<Functions>(
      session,
      &Functions::Stub::ListFunctions,
      request,
      [&](const admin::v1::ListFunctionsResponse& response) {
        Report report{.data = boost::json::array(),
                      .header = {"TENANT", "FUNCTION", "REVISION", "ABI", "ROUTES", "DEPLOYED"}};
        for (const admin::v1::Function& function : response.functions()) {
          const admin::v1::Revision& revision = function.serving_revision();
          report.data.get_array().push_back(ToJson(function));
          report.rows.push_back({TenantPart(function.name()),
                                 LastPart(function.name()),
                                 absl::StrCat(revision.number()),
                                 NameOf(revision.settings().abi()),
                                 absl::StrJoin(function.routes(), ","),
                                 FormatTime(revision.create_time())});
          report.names.push_back(function.name());
        }
        return session.Succeed(report);
      });
}

ExitCode DeleteFunction(Session& session, const std::string& name, uint64_t revision) {
  absl::StatusOr<std::string> tenant = session.TenantName();
  if (!tenant.ok()) return session.UsageError(std::string(tenant.status().message()));
  admin::v1::DeleteFunctionRequest request;
  std::string resource = absl::StrCat(*tenant, "/functions/", name);
  if (revision != 0) absl::StrAppend(&resource, "/revisions/", revision);
  request.set_name(resource);
  return Call<Functions>(
      session, &Functions::Stub::DeleteFunction, request, [&](const google::protobuf::Empty&) {
        session.Remark(absl::StrCat("deleted ", resource));
        return session.Succeed(
            {.data = boost::json::object{{"deleted", resource}}, .names = {resource}});
      });
}

ExitCode ListRevisions(Session& session, const std::string& name) {
  absl::StatusOr<std::string> tenant = session.TenantName();
  if (!tenant.ok()) return session.UsageError(std::string(tenant.status().message()));
  admin::v1::ListRevisionsRequest request;
  request.set_parent(absl::StrCat(*tenant, "/functions/", name));
  return Call<Functions>(
      session,
      &Functions::Stub::ListRevisions,
      request,
      [&](const admin::v1::ListRevisionsResponse& response) {
        Report report{.data = boost::json::array(),
                      .header = {"REVISION", "SERVES", "ABI", "MODULE", "DEPLOYED", "PROBLEM"}};
        for (const admin::v1::Revision& revision : response.revisions()) {
          report.data.get_array().push_back(ToJson(revision));
          report.rows.push_back({absl::StrCat(revision.number()),
                                 revision.serving() ? "yes" : "",
                                 NameOf(revision.settings().abi()),
                                 LastPart(revision.module()).substr(0, 12),
                                 FormatTime(revision.create_time()),
                                 revision.problem()});
          report.names.push_back(revision.name());
        }
        return session.Succeed(report);
      });
}

}  // namespace tidepool::daemon
