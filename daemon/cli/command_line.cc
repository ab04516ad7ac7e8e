// The only file that knows CLI11, which is one enormous header.
#include "daemon/cli/command_line.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include <CLI/CLI.hpp>

#include "daemon/cli/commands.h"
#include "daemon/cli/completion.h"
#include "daemon/cli/local/run_local.h"
#include "daemon/cli/version.h"
#include "engine/compiler/option_list.h"
#include "engine/platform/cpu_features.h"

namespace tidepool::daemon {
namespace {

constexpr char kExitCodes[] =
    "Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 already exists or conflict, 5 denied,\n"
    "6 quota, 7 unavailable, 8 deadline, 9 the function itself failed, 10 validation failed.";

// What parsing fills in; the command keeps it alive.
struct Words {
  GlobalOptions options;
  std::string name;
  std::string other;
  uint64_t revision = 0;
  bool client_only = false;
  bool explain = false;
  TenantArguments tenant;
  DeployArguments deploy;
  InvokeArguments invoke;
  LogsArguments logs;
  CompileArguments compile;
  RunOptions run;
  std::string run_tier;
  std::vector<std::string> run_directories;
  std::vector<std::string> run_stubs;
  std::function<int(Session&)> action;
};

using Action = std::function<ExitCode(Session&, Words&)>;

// A subcommand that does `action`.
CLI::App* Add(CLI::App& noun, Words& words, const char* verb, const char* help, Action action) {
  CLI::App* command = noun.add_subcommand(verb, help);
  command->callback([&words, action = std::move(action)] {
    words.action = [&words, action](Session& session) {
      return static_cast<int>(action(session, words));
    };
  });
  return command;
}

CLI::App* AddNoun(CLI::App& app, const char* noun, const char* help) {
  CLI::App* added = app.add_subcommand(noun, help);
  added->require_subcommand(1);
  return added;
}

// Sets `value` to what the typed word stands for; the words are listed when it stands for nothing.
template <typename Value>
CLI::Option* AddChoice(CLI::App& app,
                       const char* names,
                       Value& value,
                       std::vector<std::pair<std::string, Value>> choices,
                       const char* help) {
  return app.add_option_function<std::string>(
      names,
      [&value, choices = std::move(choices), names](const std::string& word) {
        std::string expected;
        for (const auto& [name, choice] : choices) {
          if (name == word) {
            value = choice;
            return;
          }
          absl::StrAppend(&expected, expected.empty() ? "" : ", ", name);
        }
        throw CLI::ValidationError(names, absl::StrCat("\"", word, "\" is not one of ", expected));
      },
      help);
}

void AddGlobalOptions(CLI::App& app, Words& words) {
  app.add_option("--server", words.options.server, "unix:PATH or HOST:PORT of the daemon")
      ->envname("TIDEPOOL_SERVER")
      ->capture_default_str();
  app.add_option("-t,--tenant", words.options.tenant, "Whose functions, modules and routes");
  AddChoice<OutputFormat>(app,
                          "-o,--format",
                          words.options.format,
                          {{"table", OutputFormat::kTable},
                           {"json", OutputFormat::kJson},
                           {"yaml", OutputFormat::kYaml},
                           {"name", OutputFormat::kName}},
                          "table, json, yaml or name")
      ->option_text("FORMAT");
  AddChoice<ColorMode>(
      app,
      "--color",
      words.options.color,
      {{"auto", ColorMode::kAuto}, {"always", ColorMode::kAlways}, {"never", ColorMode::kNever}},
      "auto, always or never")
      ->option_text("WHEN");
  app.add_flag("-q,--quiet", words.options.quiet, "No remarks and no progress on stderr");
}

void AddTenant(CLI::App& app, Words& words) {
  CLI::App* noun = AddNoun(app, "tenant", "Who owns functions, hosts and limits");
  const auto name = [&](CLI::App* command) {
    command->add_option("TENANT", words.tenant.name)->required();
  };
  const auto limits = [&](CLI::App* command) {
    command
        ->add_option("--limit", words.tenant.limits, "NAME=VALUE, as memory=64MiB; may be repeated")
        ->option_text("NAME=VALUE")
        ->expected(1)
        ->allow_extra_args(false)
        ->take_all();
  };
  CLI::App* create = Add(*noun, words, "create", "Create a tenant", [](Session& s, Words& w) {
    return CreateTenant(s, w.tenant);
  });
  name(create);
  limits(create);
  CLI::App* set = Add(
      *noun, words, "set", "Change limits; NAME=default takes one back", [](Session& s, Words& w) {
        return SetTenant(s, w.tenant);
      });
  name(set);
  limits(set);
  name(Add(*noun, words, "get", "Show a tenant and its limits", [](Session& s, Words& w) {
    return GetTenant(s, w.tenant);
  }));
  Add(*noun, words, "list", "List tenants", [](Session& s, Words&) { return ListTenants(s); });
  name(Add(*noun, words, "delete", "Delete a tenant with all it owns", [](Session& s, Words& w) {
    return DeleteTenant(s, w.tenant);
  }));
}

void AddModule(CLI::App& app, Words& words) {
  CLI::App* noun = AddNoun(app, "module", "Uploaded WebAssembly, by its SHA-256");
  Add(*noun, words, "list", "List a tenant's modules", [](Session& s, Words&) {
    return ListModules(s);
  });
  Add(*noun,
      words,
      "delete",
      "Delete a module that no revision uses",
      [](Session& s, Words& w) { return DeleteModule(s, w.name); })
      ->add_option("SHA256", words.name)
      ->required();
}

void AddFunction(CLI::App& app, Words& words) {
  CLI::App* noun = AddNoun(app, "function", "Deployed modules and their revisions");
  DeployArguments& deploy = words.deploy;
  CLI::App* add = Add(*noun,
                      words,
                      "deploy",
                      "Upload a module and make its next revision serve",
                      [](Session& s, Words& w) { return DeployFunction(s, w.deploy); });
  add->add_option("FUNCTION", deploy.name)->required();
  add->add_option("FILE", deploy.file, "WebAssembly module")->required();
  add->add_option("--abi", deploy.abi, "command, handler or export; else detected");
  const auto repeated =
      [&](const char* option, std::vector<std::string>& values, const char* help) {
        add->add_option(option, values, help)->expected(1)->allow_extra_args(false)->take_all();
      };
  repeated("--route", deploy.routes, "HOST/PATH that leads here");
  repeated("--limit", deploy.limits, "NAME=VALUE, lower than the tenant's");
  repeated("--arg", deploy.args, "An argument of a command");
  repeated("--env", deploy.env, "NAME=VALUE in its environment");
  add->add_option("--response", deploy.response, "How a command answers: auto, cgi or raw");
  add->add_option("--unknown-imports", deploy.unknown_imports, "refuse, trap or zero");

  const auto name = [&](CLI::App* command) {
    command->add_option("FUNCTION", words.name)->required();
    return command;
  };
  name(Add(*noun, words, "get", "Show a function and what serves", [](Session& s, Words& w) {
    return GetFunction(s, w.name);
  }));
  Add(*noun, words, "list", "List functions, of one tenant with -t", [](Session& s, Words&) {
    return ListFunctions(s);
  });
  name(Add(*noun, words, "delete", "Delete a function with its routes", [](Session& s, Words& w) {
    return DeleteFunction(s, w.name, w.revision);
  }))->add_option("--revision", words.revision, "Only that revision");
  name(Add(*noun, words, "revisions", "List a function's revisions", [](Session& s, Words& w) {
    return ListRevisions(s, w.name);
  }));
}

void AddRoute(CLI::App& app, Words& words) {
  CLI::App* noun = AddNoun(app, "route", "Host and path prefix → function");
  CLI::App* add = Add(*noun,
                      words,
                      "add",
                      "Let a route lead to a function; grants a free host",
                      [](Session& s, Words& w) { return AddRoute(s, w.name, w.other); });
  add->add_option("ROUTE", words.name, "HOST/PATH")->required();
  add->add_option("FUNCTION", words.other, "FUNCTION[@latest|:REVISION]")->required();
  Add(*noun, words, "list", "List routes, of one tenant with -t", [](Session& s, Words&) {
    return ListRoutes(s);
  });
  Add(*noun,
      words,
      "delete",
      "Delete a route",
      [](Session& s, Words& w) { return DeleteRoute(s, w.name); })
      ->add_option("ROUTE", words.name, "HOST/PATH")
      ->required();
}

void AddInvoke(CLI::App& app, Words& words) {
  InvokeArguments& invoke = words.invoke;
  CLI::App* add = Add(
      app, words, "invoke", "Call a function; its answer goes to stdout", [](Session& s, Words& w) {
        return Invoke(s, w.invoke);
      });
  add->add_option("FUNCTION", invoke.function, "FUNCTION[@latest|:REVISION]")->required();
  add->add_option("--data", invoke.data, "Request body: STRING, @FILE or @- for stdin");
  add->add_option("--method", invoke.method, "HTTP method (POST)");
  add->add_option("--target", invoke.target, "Path and query (/)");
  add->add_option("--header", invoke.headers, "\"name: value\"; may be repeated")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  add->add_option(
      "--export", invoke.export_name, "Exported function to call, with typed arguments");
  add->add_option("ARG", invoke.args, "Arguments, as the export's signature says");
}

void AddObserving(CLI::App& app, Words& words) {
  CLI::App* logs = Add(app,
                       words,
                       "logs",
                       "What a function wrote, and what happened to it",
                       [](Session& s, Words& w) { return ReadLogs(s, w.logs); });
  logs->add_option("FUNCTION", words.logs.function)->required();
  logs->add_flag("-f,--follow", words.logs.follow, "Stay for the lines to come");
  logs->add_option("--tail", words.logs.tail, "Only the last N lines")->option_text("N");

  CLI::App* pool = AddNoun(app, "pool", "Slots: how many, in which state, proved clean");
  Add(*pool, words, "status", "Counts of each worker's pool", [](Session& s, Words&) {
    return PoolStatus(s);
  });
  Add(*pool, words, "slots", "List storage, one by one", [](Session& s, Words&) {
    return ListSlots(s);
  });
  Add(*pool, words, "verify", "Prove all idle storage clean, now", [](Session& s, Words&) {
    return VerifyPool(s);
  });

  Add(app, words, "version", "Versions of tidectl and the daemon", [](Session& s, Words& w) {
    return ShowVersion(s, w.client_only);
  })->add_flag("--client", words.client_only, "Only tidectl's; asks no daemon");
}

ExitCode CompileOrExplain(Session& session, const Words& words) {
  if (words.explain) return session.UsageError("--explain is not built yet");
  return Compile(session, words.compile);
}

void AddLocal(CLI::App& app, Words& words) {
  CLI::App* compile = Add(app,
                          words,
                          "compile",
                          "Compile a module to an artifact, without a daemon",
                          [](Session& s, Words& w) { return CompileOrExplain(s, w); });
  compile->add_option("FILE", words.compile.file, "WebAssembly module")->required();
  compile->add_option("-o,--output", words.compile.output, "Artifact to write")->required();
  compile->add_option("--tier", words.compile.tier, "baseline or optimized");
  compile->add_option("--option", words.compile.options, "K=V, as bounds=explicit; may be repeated")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  compile->add_flag("--timings", words.compile.timings, "Bytes and seconds of each phase");
  compile->add_flag("--explain", words.explain, "");

  Add(app,
      words,
      "inspect",
      "Show what an artifact holds, and whether it is whole",
      [](Session& s, Words& w) { return Inspect(s, w.name); })
      ->add_option("FILE", words.name)
      ->required();

  CLI::App* completion =
      Add(app, words, "completion", "Print a completion script", [](Session&, Words&) {
        std::cout << kBashCompletion;
        return ExitCode::kOk;
      });
  completion->add_option("SHELL", words.other)->required()->check(CLI::IsMember({"bash"}));
}

// The options are the run's, not the session's: what they say wrong is a usage error.
absl::Status CompleteRunOptions(Words& words, const std::vector<std::string>& rest) {
  if (rest.empty()) return absl::InvalidArgumentError("run: which FILE?");
  if (rest.front().rfind("-", 0) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("run: unknown option ", rest.front()));
  }
  RunOptions& run = words.run;
  run.file = rest.front();
  run.args.assign(rest.begin() + 1, rest.end());
  for (const std::string& text : words.run_directories) {
    absl::StatusOr<LocalDirectory> directory = ParseDirectory(text);
    if (!directory.ok()) return directory.status();
    run.directories.push_back(*std::move(directory));
  }
  for (const std::string& text : words.run_stubs) {
    absl::StatusOr<ImportStub> stub = ParseImportStub(text);
    if (!stub.ok()) return stub.status();
    run.stub_imports.push_back(*std::move(stub));
  }
  if (!words.run_tier.empty()) {
    const absl::Status tier =
        engine::ApplyOption(absl::StrCat("tier=", words.run_tier), &run.compile);
    if (!tier.ok()) return tier;
  }
  absl::StatusOr<CpuFeatureSet> features = DetectCpuFeatures();
  if (!features.ok()) return features.status();
  run.compile.cpu_features = *features;
  return absl::OkStatus();
}

void AddRun(CLI::App& app, Words& words) {
  CLI::App* run = app.add_subcommand("run", "Run a module here, without a daemon");
  // All behind FILE belongs to the guest, whatever it looks like.
  run->prefix_command();
  run->fallthrough(false);
  run->footer("FILE [ARGS…] follow the options; the guest's exit status is the result.");
  const auto repeated =
      [&](const char* option, std::vector<std::string>& values, const char* help) {
        run->add_option(option, values, help)->expected(1)->allow_extra_args(false)->take_all();
      };
  repeated("--dir", words.run_directories, "HOST::GUEST[:ro], a directory the guest may use");
  repeated("--env", words.run.environment, "NAME=VALUE in its environment");
  repeated("--stub-imports", words.run_stubs, "PATTERN=trap|zero for imports nobody offers");
  run->add_option("--invoke", words.run.invoke, "Exported function to call instead of _start");
  run->add_option("--tier", words.run_tier, "baseline or optimized");
  run->callback([&words, run] {
    words.action = [&words, rest = run->remaining()](Session& session) {
      const absl::Status status = CompleteRunOptions(words, rest);
      if (!status.ok()) {
        return static_cast<int>(session.UsageError(std::string(status.message())));
      }
      return RunLocal(words.run);
    };
  });
}

// CLI11 takes a word like -5 for a number but -inf and -.5 for options.  With a blank in front they
// are words, and number parsers skip it.
std::vector<std::string> WithNumbersProtected(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const bool is_invoke = std::find(words.begin(), words.end(), "invoke") != words.end() &&
                         std::find(words.begin(), words.end(), "--export") != words.end();
  for (std::string& word : words) {
    const bool is_number = word == "-inf" || word == "-nan" || word.rfind("-.", 0) == 0;
    if (is_invoke && is_number) word.insert(0, " ");
  }
  std::reverse(words.begin(), words.end());  // As CLI11 wants them.
  return words;
}

}  // namespace

std::variant<Command, int> ParseCommandLine(int argc, char** argv) {
  const auto words = std::make_shared<Words>();
  CLI::App app("Operates Tidepool, a host for WebAssembly functions.", "tidectl");
  app.footer(kExitCodes);
  app.set_version_flag("--version", kClientVersion);
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return absl::StrCat("tidectl: error: ", error.what(), "\nRun with --help for more.\n");
  });
  app.fallthrough();  // Global options may stand behind the command, too; children inherit it.
  AddGlobalOptions(app, *words);
  AddTenant(app, *words);
  AddModule(app, *words);
  AddFunction(app, *words);
  AddRoute(app, *words);
  AddInvoke(app, *words);
  AddObserving(app, *words);
  AddLocal(app, *words);
  AddRun(app, *words);
  try {
    app.parse(WithNumbersProtected(argc, argv));
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : static_cast<int>(ExitCode::kUsage);
  }
  return Command{words->options, [words](Session& session) { return words->action(session); }};
}

}  // namespace tidepool::daemon
