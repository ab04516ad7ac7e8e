#include <unistd.h>

#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include <boost/json.hpp>

#include "daemon/cli/api_client.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/invoke_values.h"
#include "daemon/cli/utf8.h"
#include "engine/platform/files.h"
#include "engine/support/status_macros.h"

#include "tidepool/admin/v1/functions.grpc.pb.h"
#include "tidepool/invoke/v1/invoke.grpc.pb.h"

namespace tidepool::daemon {
namespace {

using admin::v1::Functions;
using invoke::v1::Invoker;

constexpr uint64_t kDataBytesMax = uint64_t{1} << 31;

// STRING, @FILE or @- for standard input.
absl::StatusOr<std::string> ReadData(const std::string& data) {
  if (data.empty() || data.front() != '@') return data;
  const std::string path = data == "@-" ? "/dev/stdin" : data.substr(1);
  TP_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, ReadFile(path, kDataBytesMax));
  return std::string(bytes.begin(), bytes.end());
}

absl::Status PutHttp(const InvokeArguments& arguments, invoke::v1::HttpRequest& http) {
  if (!arguments.args.empty()) {
    return absl::InvalidArgumentError(
        "arguments are for --export NAME ARG…; a command or handler gets --data");
  }
  http.set_method(arguments.method);
  http.set_target(arguments.target);
  for (const std::string& text : arguments.headers) {
    const size_t colon = text.find(':');
    if (colon == std::string::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("--header ", text, ": expected \"name: value\""));
    }
    invoke::v1::Header& header = *http.add_headers();
    header.set_name(text.substr(0, colon));
    header.set_value(std::string(absl::StripAsciiWhitespace(text.substr(colon + 1))));
  }
  if (arguments.data.has_value()) {
    TP_ASSIGN_OR_RETURN(*http.mutable_body(), ReadData(*arguments.data));
  }
  return absl::OkStatus();
}

// The function as the admin service names it: what its exports take is asked there.
grpc::Status FindExport(const std::shared_ptr<grpc::Channel>& channel,
                        const std::string& tenant,
                        const InvokeArguments& arguments,
                        admin::v1::ExportedFunction* found) {
  const std::string& text = arguments.function;
  const size_t mark = text.find_first_of("@:");
  std::string resource = absl::StrCat(tenant, "/functions/", text.substr(0, mark));
  const std::unique_ptr<Functions::Stub> stub = Functions::NewStub(channel);
  grpc::ClientContext context;
  admin::v1::Revision revision;
  grpc::Status status;
  if (mark != std::string::npos && text[mark] == ':') {
    admin::v1::GetRevisionRequest request;
    request.set_name(absl::StrCat(resource, "/revisions/", text.substr(mark + 1)));
    status = stub->GetRevision(&context, request, &revision);
  } else {
    admin::v1::GetFunctionRequest request;
    request.set_name(resource);
    admin::v1::Function function;
    status = stub->GetFunction(&context, request, &function);
    revision = function.serving_revision();
  }
  if (!status.ok()) return status;
  for (const admin::v1::ExportedFunction& exported : revision.exports()) {
    if (exported.name() != arguments.export_name) continue;
    *found = exported;
    return grpc::Status::OK;
  }
  if (revision.settings().abi() != admin::v1::ABI_EXPORT) {
    return {grpc::StatusCode::NOT_FOUND,
            absl::StrCat(revision.name(), " is not of ABI export: call it with --data")};
  }
  return {grpc::StatusCode::NOT_FOUND,
          absl::StrCat(revision.name(), " exports no function \"", arguments.export_name, "\"")};
}

ExitCode ShowHttp(Session& session, const invoke::v1::InvokeResponse& response) {
  const invoke::v1::HttpResponse& http = response.http();
  if (session.options().format == OutputFormat::kTable) {
    // The guest's bytes, and nothing else.
    std::cout << http.body() << std::flush;
    if (http.status() >= 400) session.Remark(absl::StrCat("the function answered ", http.status()));
    if (std::cout.good()) return ExitCode::kOk;
    return session.Fail(absl::InternalError("cannot write to standard output"));
  }
  boost::json::array headers;
  for (const invoke::v1::Header& header : http.headers()) {
    headers.push_back({{"name", header.name()}, {"value", header.value()}});
  }
  boost::json::object data{{"invocation", response.invocation()},
                           {"status", http.status()},
                           {"headers", std::move(headers)}};
  if (IsUtf8(http.body())) {
    data["body"] = http.body();
  } else {
    data["body_base64"] = absl::Base64Escape(http.body());
  }
  return session.Succeed({.data = std::move(data), .names = {response.invocation()}});
}

ExitCode ShowResults(Session& session, const invoke::v1::InvokeResponse& response) {
  boost::json::array values;
  Report report;
  for (const invoke::v1::Value& value : response.results().values()) {
    values.push_back(ToJson(value));
    report.rows.push_back({FormatValue(value)});
  }
  report.data = {{"invocation", response.invocation()}, {"results", std::move(values)}};
  report.names = {response.invocation()};
  return session.Succeed(report);
}

}  // namespace

ExitCode Invoke(Session& session, const InvokeArguments& arguments) {
  absl::StatusOr<std::string> tenant = session.TenantName();
  if (!tenant.ok()) return session.UsageError(std::string(tenant.status().message()));
  invoke::v1::InvokeRequest request;
  request.set_function(absl::StrCat(*tenant, "/functions/", arguments.function));
  if (arguments.export_name.empty()) {
    const absl::Status status = PutHttp(arguments, *request.mutable_http());
    if (absl::IsInvalidArgument(status)) return session.UsageError(std::string(status.message()));
    if (!status.ok()) return session.Fail(status);
  } else {
    absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = session.Connect();
    if (!channel.ok()) return session.Fail(channel.status());
    admin::v1::ExportedFunction exported;
    const grpc::Status found = FindExport(*channel, *tenant, arguments, &exported);
    if (!found.ok()) return session.Fail(found);
    request.mutable_call()->set_export_(arguments.export_name);
    const absl::Status put = PutArguments(arguments.args, exported, *request.mutable_call());
    if (!put.ok()) return session.UsageError(std::string(put.message()));
  }
  return Call<Invoker>(
      session, &Invoker::Stub::Invoke, request, [&](const invoke::v1::InvokeResponse& response) {
        return response.has_results() ? ShowResults(session, response)
                                      : ShowHttp(session, response);
      });
}

}  // namespace tidepool::daemon
