// The commands of tidectl: what each is told, and the function that does it.
//
// command_line.cc fills these from the words typed; one small file per noun does the work.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/cli/session.h"

namespace tidepool::daemon {

// ---- tenant: tenant_commands.cc ----
struct TenantArguments {
  std::string name;
  std::vector<std::string> limits;  // "NAME=VALUE"
};
ExitCode CreateTenant(Session& session, const TenantArguments& arguments);
ExitCode SetTenant(Session& session, const TenantArguments& arguments);
ExitCode GetTenant(Session& session, const TenantArguments& arguments);
ExitCode ListTenants(Session& session);
ExitCode DeleteTenant(Session& session, const TenantArguments& arguments);

// ---- module: module_commands.cc ----
ExitCode ListModules(Session& session);
ExitCode DeleteModule(Session& session, const std::string& sha256);

// ---- function: function_commands.cc, deploy_command.cc ----
struct DeployArguments {
  std::string name;
  std::string file;
  std::string abi;              // Empty: detected.
  std::string response;         // Empty: auto.
  std::string unknown_imports;  // Empty: refuse.
  std::vector<std::string> routes;
  std::vector<std::string> limits;
  std::vector<std::string> args;
  std::vector<std::string> env;
};
ExitCode DeployFunction(Session& session, const DeployArguments& arguments);
ExitCode GetFunction(Session& session, const std::string& name);
ExitCode ListFunctions(Session& session);
// `revision` 0: the whole function.
ExitCode DeleteFunction(Session& session, const std::string& name, uint64_t revision);
ExitCode ListRevisions(Session& session, const std::string& name);

// ---- route: route_commands.cc ----
ExitCode AddRoute(Session& session, const std::string& route, const std::string& function);
ExitCode ListRoutes(Session& session);
ExitCode DeleteRoute(Session& session, const std::string& route);

// ---- invoke: invoke_command.cc ----
struct InvokeArguments {
  std::string function;             // "F", "F@latest", "F:3"
  std::optional<std::string> data;  // STRING, @FILE or @-
  std::string method;
  std::string target;
  std::vector<std::string> headers;  // "name: value"
  std::string export_name;
  std::vector<std::string> args;
};
ExitCode Invoke(Session& session, const InvokeArguments& arguments);

// ---- logs: logs_command.cc ----
struct LogsArguments {
  std::string function;
  bool follow = false;
  uint32_t tail = 0;
};
ExitCode ReadLogs(Session& session, const LogsArguments& arguments);

// ---- pool, version: pool_commands.cc ----
ExitCode PoolStatus(Session& session);
ExitCode ListSlots(Session& session);
ExitCode VerifyPool(Session& session);
ExitCode ShowVersion(Session& session, bool client_only);

// ---- local, without a daemon: compile_command.cc, inspect_command.cc ----
struct CompileArguments {
  std::string file;
  std::string output;
  std::string tier;
  std::vector<std::string> options;
  bool timings = false;
};
ExitCode Compile(Session& session, const CompileArguments& arguments);
ExitCode Inspect(Session& session, const std::string& file);

}  // namespace tidepool::daemon
