// ModuleContext: what the code of every function of a module depends on, worked out once.
//
// Threads  Immutable.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/abi/vm_context.h"
#include "engine/compiler/compile_options.h"
#include "engine/compiler/vm_context_counts.h"
#include "engine/wasm/module.h"

namespace tidepool::engine::baseline {

struct ModuleContext {
  ModuleContext(const wasm::ValidatedModule& valid, const CompileOptions& compile_options)
      : module(valid.module()),
        options(compile_options),
        layout(CountsOf(valid)),
        escape_ordinals(EscapeOrdinals(valid)) {}

  const wasm::Module& module;
  const CompileOptions& options;
  const abi::VmContextLayout layout;
  const std::vector<uint32_t> escape_ordinals;
};

}  // namespace tidepool::engine::baseline
