// Whether a thing fits an import (wasm core 4.5.4, "External typing", and 3.2.7, "Import subtyping").
#pragma once

#include <string>

#include "engine/runtime/linker.h"
#include "engine/runtime/module.h"

namespace tidepool::engine {

// Empty when `binding` fits import number `import` of `module`; otherwise what is wrong with it, as
// "module.name: incompatible import type: …".  Sizes of memories and tables are those of now.
std::string ImportMismatch(const Module& module, size_t import, const ImportBinding& binding);
// "module.name", for messages.
std::string ImportName(const wasm::Import& import);

}  // namespace tidepool::engine
