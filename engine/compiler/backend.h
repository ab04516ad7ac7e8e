// Backend: the seam between the driver and the compilers.
//
// Errors   ResourceExhausted when the code passes a limit of the target (text of 2 GiB);
//          Unimplemented for options the backend does not have.
// Threads  Compile may be called from one thread at a time; it may use more inside.
#pragma once

#include "absl/status/statusor.h"
#include "engine/compiler/compile_options.h"
#include "engine/compiler/compiled_module.h"
#include "engine/wasm/module.h"

namespace tidepool::engine {

class Backend {
 public:
  virtual ~Backend() = default;
  virtual absl::StatusOr<CompiledModule> Compile(const wasm::ValidatedModule& module,
                                                 const CompileOptions& options) = 0;
};

}  // namespace tidepool::engine
