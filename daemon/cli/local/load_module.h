// From a file on disk to a loaded module, whatever the file is.
//
// Errors   NotFound: no such file.  InvalidArgument: neither a module nor an artifact, or the
// module is
//          not valid.  FailedPrecondition: an artifact of another version, or no tidepool-compiler.
//          DataLoss: a damaged artifact.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "engine/compiler/compile_options.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/module.h"

namespace tidepool::daemon {

// A wasm module is compiled by the program at `compiler_path` (empty: tidepool-compiler beside this
// one); an artifact is verified, as it comes from nobody we know.
absl::StatusOr<std::shared_ptr<const engine::Module>> LoadLocalModule(
    engine::Engine& engine,
    const std::string& file,
    const engine::CompileOptions& options,
    const std::string& compiler_path);

}  // namespace tidepool::daemon
