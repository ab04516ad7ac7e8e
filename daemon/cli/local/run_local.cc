#include "daemon/cli/local/run_local.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "daemon/cli/local/load_module.h"
#include "daemon/cli/local/typed_values.h"
#include "engine/runtime/activation.h"
#include "engine/runtime/call.h"
#include "engine/runtime/guest_stack.h"
#include "engine/runtime/owned_storage.h"
#include "engine/runtime/store.h"
#include "engine/support/status_macros.h"
#include "engine/wasi/context.h"
#include "engine/wasi/define.h"

namespace tidepool::daemon {
namespace {

using engine::CallResult;
using engine::Trap;

// Programs are used to the 8 MiB that a shell gives them; frames of compiled code are larger.
constexpr uint64_t kStackBytes = uint64_t{32} << 20;
constexpr char kStart[] = "_start";
constexpr char kInitialize[] = "_initialize";

int ExitStatusOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 0;
    case absl::StatusCode::kNotFound:
      return 3;
    case absl::StatusCode::kResourceExhausted:
      return 6;
    case absl::StatusCode::kUnavailable:
      return 7;
    case absl::StatusCode::kInvalidArgument:
      return 10;
    default:
      return 1;
  }
}

// Names in a module are its author's: they must not talk to the reader's terminal.
void PrintToStderr(absl::string_view prefix, absl::string_view text) {
  std::string printable = absl::StrCat(prefix, text, "\n");
  for (char& c : printable) {
    if (c != '\n' && absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
  }
  std::fputs(printable.c_str(), stderr);
}

// One run: what must live until the guest has ended, in order of construction.
class LocalRun {
 public:
  explicit LocalRun(const RunOptions& options)
      : options_(options),
        linker_(engine_),
        store_(storage_),
        input_(STDIN_FILENO),
        output_(STDOUT_FILENO),
        error_(STDERR_FILENO),
        context_({.args = Arguments(options),
                  .environment = options.environment,
                  .input = &input_,
                  .output = &output_,
                  .error = &error_,
                  .host = &host_}) {}

  absl::StatusOr<int> Run() {
    for (const LocalDirectory& directory : options_.directories) {
      TP_RETURN_IF_ERROR(
          context_.AddPreopen(directory.host_path, directory.guest_name, directory.read_only));
    }
    TP_ASSIGN_OR_RETURN(
        module_, LoadLocalModule(engine_, options_.file, options_.compile, options_.compiler_path));
    TP_RETURN_IF_ERROR(engine::wasi::DefineWasi(linker_));
    TP_ASSIGN_OR_RETURN(imports_, linker_.Resolve(*module_, {.wildcards = options_.stub_imports}));
    store_.set_host_data(&context_);
    TP_ASSIGN_OR_RETURN(engine::GuestStack stack, engine::GuestStack::Create(kStackBytes));
    activation_ = std::make_unique<engine::Activation>(stack.limit(), nullptr);
    absl::StatusOr<int> exit_status = 0;
    stack.Run([&] { exit_status = RunOnStack(); });
    return exit_status;
  }

 private:
  // The module's name without its folder, as a shell would pass it; `invoke` has its own arguments.
  static std::vector<std::string> Arguments(const RunOptions& options) {
    std::vector<std::string> args = {std::filesystem::path(options.file).filename().string()};
    if (options.invoke.empty()) {
      args.insert(args.end(), options.args.begin(), options.args.end());
    }
    return args;
  }

  absl::StatusOr<int> RunOnStack() {
    TP_ASSIGN_OR_RETURN(auto instantiated, store_.Instantiate(module_, imports_, *activation_));
    if (const Trap* trap = std::get_if<Trap>(&instantiated)) return StatusOfTrap(*trap);
    engine::Instance& instance = *std::get<engine::Instance*>(instantiated);
    if (options_.invoke.empty()) return CallStart(instance);
    return Invoke(instance);
  }

  absl::StatusOr<int> CallStart(engine::Instance& instance) {
    if (instance.FindFunction(kStart) == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(options_.file, " exports no function _start: name one with --invoke"));
    }
    TP_ASSIGN_OR_RETURN(const CallResult result, CallExport(instance, kStart, {}, *activation_));
    const Trap* trap = std::get_if<Trap>(&result);
    return trap == nullptr ? 0 : StatusOfTrap(*trap);
  }

  absl::StatusOr<int> Invoke(engine::Instance& instance) {
    const std::optional<engine::Extern> found = instance.FindExport(options_.invoke);
    if (!found.has_value() || found->function_type == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(options_.file, " exports no function ", options_.invoke));
    }
    TP_ASSIGN_OR_RETURN(const engine::Values arguments,
                        ParseTypedValues(options_.args, *found->function_type));
    if (options_.invoke != kInitialize && instance.FindFunction(kInitialize) != nullptr) {
      TP_ASSIGN_OR_RETURN(const CallResult initialized,
                          CallExport(instance, kInitialize, {}, *activation_));
      if (const Trap* trap = std::get_if<Trap>(&initialized)) return StatusOfTrap(*trap);
    }
    TP_ASSIGN_OR_RETURN(const CallResult result,
                        CallExport(instance, options_.invoke, arguments, *activation_));
    if (const Trap* trap = std::get_if<Trap>(&result)) return StatusOfTrap(*trap);
    const std::string text =
        FormatTypedValues(std::get<engine::Values>(result), *found->function_type);
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
    return 0;
  }

  int StatusOfTrap(const Trap& trap) const {
    if (trap.code == engine::TrapCode::kExit && context_.exit_code().has_value()) {
      // exit(2) keeps eight bits: 256 must not become success.
      return static_cast<int>(std::min<uint32_t>(*context_.exit_code(), 255));
    }
    PrintToStderr("", ToString(trap));
    return kExitTrap;
  }

  const RunOptions& options_;
  engine::Engine engine_;
  engine::Linker linker_;
  engine::OwnedStorage storage_;
  engine::ImportBindings imports_;
  std::shared_ptr<const engine::Module> module_;
  engine::Store store_;
  engine::wasi::SystemHost host_;
  engine::wasi::FdInput input_;
  engine::wasi::FdOutput output_;
  engine::wasi::FdOutput error_;
  engine::wasi::WasiContext context_;
  std::unique_ptr<engine::Activation> activation_;
};

}  // namespace

int RunLocal(const RunOptions& options) {
  // A guest that writes to a closed pipe learns of it as an error, and can still clean up.
  ::signal(SIGPIPE, SIG_IGN);
  const absl::StatusOr<int> exit_status = LocalRun(options).Run();
  if (exit_status.ok()) return *exit_status;
  PrintToStderr("tidectl run: ", exit_status.status().message());
  return ExitStatusOf(exit_status.status());
}

absl::StatusOr<LocalDirectory> ParseDirectory(absl::string_view text) {
  LocalDirectory directory;
  directory.read_only = absl::ConsumeSuffix(&text, ":ro");
  const size_t separator = text.find("::");
  const absl::string_view host = text.substr(0, separator);
  const absl::string_view guest =
      separator == absl::string_view::npos ? host : text.substr(separator + 2);
  if (host.empty() || guest.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--dir ", text, ": expected HOST::GUEST or HOST::GUEST:ro"));
  }
  directory.host_path = std::string(host);
  directory.guest_name = std::string(guest);
  return directory;
}

absl::StatusOr<ImportStub> ParseImportStub(absl::string_view text) {
  const size_t equals = text.rfind('=');
  const absl::string_view treatment =
      equals == absl::string_view::npos ? "" : text.substr(equals + 1);
  if (equals == 0 || (treatment != "trap" && treatment != "zero")) {
    return absl::InvalidArgumentError(
        absl::StrCat("--stub-imports ", text, ": expected PATTERN=trap or PATTERN=zero"));
  }
  return ImportStub(
      std::string(text.substr(0, equals)),
      treatment == "trap" ? engine::UnknownImports::kTrap : engine::UnknownImports::kZero);
}

}  // namespace tidepool::daemon
