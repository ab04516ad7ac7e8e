// SandboxCompiler: the catalogue's ModuleCompiler, which is the sandboxed compile worker.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "daemon/catalogue/module_compiler.h"
#include "daemon/compile_worker/compile_client.h"
#include "daemon/settings/settings.h"
#include "daemon/telemetry/metrics.h"

namespace tidepool::daemon {

class SandboxCompiler final : public ModuleCompiler {
 public:
  // Starts the worker, so it comes before everything that maps much memory.  The program lies
  // beside ours, or where packages put it.
  static absl::StatusOr<std::unique_ptr<SandboxCompiler>> Start(const Settings& settings,
                                                                Metrics& metrics);

  absl::Status Compile(absl::Span<const uint8_t> wasm, const std::string& artifact_path) override;
  std::string OptionsName() const override;

 private:
  SandboxCompiler(std::unique_ptr<CompileClient> client, const CompileLimits& limits,
                  const engine::CompileOptions& options, Metrics& metrics);
  const std::unique_ptr<CompileClient> client_;
  const CompileLimits limits_;
  const engine::CompileOptions options_;
  Metrics& metrics_;
};

}  // namespace tidepool::daemon
