#include <iostream>

#include "absl/strings/str_cat.h"
#include <boost/json.hpp>

#include "daemon/cli/commands.h"

#include "tidepool/admin/v1/logs.grpc.pb.h"

namespace tidepool::daemon {
namespace {

using admin::v1::Logs;

boost::json::value ToJson(const admin::v1::LogLine& line) {
  return {{"time", line.time()},
          {"invocation", line.invocation()},
          {"source", line.source()},
          {"text", line.text()}};
}

std::string ToText(const admin::v1::LogLine& line) {
  return absl::StrCat(line.time(), " ", line.invocation(), " ", line.source(), " ", line.text());
}

}  // namespace

ExitCode ReadLogs(Session& session, const LogsArguments& arguments) {
  absl::StatusOr<std::string> tenant = session.TenantName();
  if (!tenant.ok()) return session.UsageError(std::string(tenant.status().message()));
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = session.Connect();
  if (!channel.ok()) return session.Fail(channel.status());
  admin::v1::ReadLogsRequest request;
  request.set_parent(absl::StrCat(*tenant, "/functions/", arguments.function));
  request.set_follow(arguments.follow);
  request.set_tail(arguments.tail);

  const std::unique_ptr<Logs::Stub> stub = Logs::NewStub(*channel);
  grpc::ClientContext context;
  const auto reader = stub->ReadLogs(&context, request);
  const bool is_table = session.options().format == OutputFormat::kTable;
  Report report{.data = boost::json::array()};
  admin::v1::LogLine line;
  while (reader->Read(&line)) {
    if (is_table) {
      std::cout << ToText(line) << "\n";
      if (arguments.follow) std::cout.flush();
    } else if (arguments.follow) {
      // One document per line: a list that never ends would never be one.
      std::cout << boost::json::serialize(ToJson(line)) << std::endl;
    } else {
      report.data.get_array().push_back(ToJson(line));
    }
    if (!std::cout.good()) context.TryCancel();  // As when `head` has seen enough.
  }
  const grpc::Status status = reader->Finish();
  if (!std::cout.good()) return ExitCode::kOk;
  if (!status.ok()) return session.Fail(status);
  if (is_table) {
    std::cout.flush();
    return ExitCode::kOk;
  }
  return arguments.follow ? ExitCode::kOk : session.Succeed(report);
}

}  // namespace tidepool::daemon
