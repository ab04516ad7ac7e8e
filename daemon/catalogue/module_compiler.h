// ModuleCompiler: how the catalogue has tenants' bytes compiled, without knowing who does it.
//
// In production the compile worker's sandbox (daemon/app wires it in); in tests the compiler
// itself.
//
// Threads  Compile may be called from several threads at once.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace tidepool::daemon {

class ModuleCompiler {
 public:
  virtual ~ModuleCompiler() = default;

  // Writes the artifact of `wasm` to the new file `artifact_path`; after an error there may be a
  // rest of it, which the caller removes.
  // InvalidArgument: the module is malformed or invalid.  ResourceExhausted: it takes more time or
  // memory than a compilation may have.  Unavailable: no compiler, or it crashed.
  virtual absl::Status Compile(absl::Span<const uint8_t> wasm,
                               const std::string& artifact_path) = 0;

  // Names tier and options, for file names: "baseline-guard".  Artifacts made under another name
  // are not used.
  virtual std::string OptionsName() const = 0;
};

}  // namespace tidepool::daemon
