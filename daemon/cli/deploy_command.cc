#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include <boost/json.hpp>

#include "daemon/cli/api_client.h"
#include "daemon/cli/api_json.h"
#include "daemon/cli/assignments.h"
#include "daemon/cli/commands.h"
#include "engine/platform/files.h"
#include "engine/support/status_macros.h"

#include "tidepool/admin/v1/functions.grpc.pb.h"
#include "tidepool/admin/v1/modules.grpc.pb.h"

namespace tidepool::daemon {
namespace {

using admin::v1::Functions;
using admin::v1::Modules;

constexpr size_t kChunkBytes = 256 * 1024;
// Beyond any module_size that could be set; the daemon says what is allowed.
constexpr uint64_t kFileBytesMax = uint64_t{1} << 31;

// The enumerator PREFIX_WORD; false when there is none.
template <typename Enum, typename Parse>
bool ParseEnum(Parse parse, absl::string_view prefix, const std::string& word, Enum* value) {
  return parse(absl::StrCat(prefix, absl::AsciiStrToUpper(word)), value);
}

absl::StatusOr<admin::v1::FunctionSettings> MakeSettings(const DeployArguments& arguments) {
  admin::v1::FunctionSettings settings;
  admin::v1::Abi abi = admin::v1::ABI_UNSPECIFIED;
  if (!arguments.abi.empty() && !ParseEnum(admin::v1::Abi_Parse, "ABI_", arguments.abi, &abi)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--abi ", arguments.abi, ": expected command, handler or export"));
  }
  settings.set_abi(abi);
  admin::v1::ResponseMode response = admin::v1::RESPONSE_MODE_UNSPECIFIED;
  if (!arguments.response.empty() &&
      !ParseEnum(admin::v1::ResponseMode_Parse, "RESPONSE_MODE_", arguments.response, &response)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--response ", arguments.response, ": expected auto, cgi or raw"));
  }
  settings.set_response(response);
  admin::v1::UnknownImports unknown = admin::v1::UNKNOWN_IMPORTS_UNSPECIFIED;
  if (!arguments.unknown_imports.empty() && !ParseEnum(admin::v1::UnknownImports_Parse,
                                                       "UNKNOWN_IMPORTS_",
                                                       arguments.unknown_imports,
                                                       &unknown)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--unknown-imports ", arguments.unknown_imports, ": expected refuse, trap or zero"));
  }
  settings.set_unknown_imports(unknown);
  for (const std::string& arg : arguments.args) settings.add_args(arg);
  for (const std::string& text : arguments.env) {
    TP_ASSIGN_OR_RETURN(const auto variable, SplitAssignment("--env", text));
    settings.add_env()->set_name(variable.first);
    settings.mutable_env(settings.env_size() - 1)->set_value(variable.second);
  }
  TP_RETURN_IF_ERROR(PutAssignments("--limit", arguments.limits, *settings.mutable_limits()));
  return settings;
}

grpc::Status Upload(Session& session,
                    const std::shared_ptr<grpc::Channel>& channel,
                    const std::string& tenant,
                    const std::vector<uint8_t>& wasm,
                    admin::v1::Module* module) {
  const std::unique_ptr<Modules::Stub> stub = Modules::NewStub(channel);
  grpc::ClientContext context;
  const auto writer = stub->UploadModule(&context, module);
  ProgressBar progress("Uploading", wasm.size(), session.options().quiet);
  admin::v1::UploadModuleRequest part;
  part.mutable_header()->set_parent(tenant);
  part.mutable_header()->set_total_bytes(wasm.size());
  bool open = writer->Write(part);
  for (size_t at = 0; open && at < wasm.size(); at += kChunkBytes) {
    const size_t bytes = std::min(kChunkBytes, wasm.size() - at);
    part.set_chunk(wasm.data() + at, bytes);
    open = writer->Write(part);  // False: the daemon has refused it; Finish says why.
    progress.Update(at + bytes);
  }
  progress.Wait("compiling");
  writer->WritesDone();
  return writer->Finish();
}

}  // namespace

ExitCode DeployFunction(Session& session, const DeployArguments& arguments) {
  absl::StatusOr<std::string> tenant = session.TenantName();
  if (!tenant.ok()) return session.UsageError(std::string(tenant.status().message()));
  absl::StatusOr<admin::v1::FunctionSettings> settings = MakeSettings(arguments);
  if (!settings.ok()) return session.UsageError(std::string(settings.status().message()));
  absl::StatusOr<std::vector<uint8_t>> wasm = ReadFile(arguments.file, kFileBytesMax);
  if (!wasm.ok()) return session.Fail(wasm.status());
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = session.Connect();
  if (!channel.ok()) return session.Fail(channel.status());

  admin::v1::Module module;
  const grpc::Status uploaded = Upload(session, *channel, *tenant, *wasm, &module);
  if (!uploaded.ok()) return session.Fail(uploaded);

  admin::v1::DeployFunctionRequest request;
  request.set_parent(*tenant);
  request.set_function_id(arguments.name);
  request.set_module(module.name());
  *request.mutable_settings() = *std::move(settings);
  for (const std::string& route : arguments.routes) request.add_routes(route);
  return Call<Functions>(
      session, &Functions::Stub::DeployFunction, request, [&](const admin::v1::Revision& revision) {
        return session.Succeed(
            {.data = ToJson(revision),
             .rows = {{absl::StrCat(
                 session.options().tenant, "/", arguments.name, ":", revision.number())}},
             .names = {revision.name()}});
      });
}

}  // namespace tidepool::daemon
