// RunLocal: `tidectl run`, a module run in this process, without a daemon.
//
//   FILE.wasm → tidepool-compiler (sandboxed) → artifact ┐
//   FILE.tpa  ───────────────────────────── verified ───┴→ Load → link WASI → instantiate → call
//
// Without `invoke` the module is a WASI command and `_start` is called; with it, `_initialize` if
// there is one, then the export of that name with arguments of the types it declares, results on
// stdout.
//
// Result   The guest's exit status (above 255: 255); kExitTrap after a trap, whose backtrace is on
//          stderr; else as service.md numbers them: 1 failure, 2 usage, 3 not found, 6 quota,
//          7 unavailable, 10 validation failed.
// Threads  The caller's, once per process: it decides what SIGPIPE does.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "engine/compiler/compile_options.h"
#include "engine/runtime/linker.h"

namespace tidepool::daemon {

inline constexpr int kExitTrap = 134;  // As a shell shows a program that died of SIGABRT.

struct LocalDirectory {
  std::string host_path;
  std::string guest_name;
  bool read_only = false;
};

using ImportStub = std::pair<std::string, engine::UnknownImports>;  // Pattern, treatment.

struct RunOptions {
  std::string file;
  std::vector<std::string> args;         // Behind the program's name, or for `invoke`.
  std::vector<std::string> environment;  // "NAME=value"; nothing is inherited.
  std::vector<LocalDirectory> directories;
  std::string invoke;  // Empty: `_start`.
  engine::CompileOptions compile;
  std::vector<ImportStub> stub_imports;
  std::string compiler_path;  // Empty: tidepool-compiler beside this program.
};

int RunLocal(const RunOptions& options);

// "HOST::GUEST", "HOST::GUEST:ro", "HOST".  InvalidArgument names what is missing.
absl::StatusOr<LocalDirectory> ParseDirectory(absl::string_view text);
// "PATTERN=trap", "PATTERN=zero".
absl::StatusOr<ImportStub> ParseImportStub(absl::string_view text);

}  // namespace tidepool::daemon
