// BaselineBackend: the tier that every upload starts on.
//
// Shape    One pass over each body, function by function; see README.md.
// Errors   Unimplemented for operators of proposals it has not learned; ResourceExhausted when the
//          text passes 2 GiB or one function's code 1 GiB.
// Threads  Compile uses options.threads threads and gives the same bytes for any number of them.
#pragma once

#include "engine/compiler/backend.h"

namespace tidepool::engine {

class BaselineBackend : public Backend {
 public:
  absl::StatusOr<CompiledModule> Compile(const wasm::ValidatedModule& module,
                                         const CompileOptions& options) override;
};

}  // namespace tidepool::engine
