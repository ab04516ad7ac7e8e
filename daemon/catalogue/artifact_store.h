// ArtifactStore: from a module's SHA-256 to the loaded module, whatever state the cache is in.
//
//   in memory? ── no ─► artifact loads? ── no ─► modules/<sha256>.wasm ─compile─► verified artifact
//
// Life     A module stays in memory as long as someone outside holds it.
// Threads  Thread-safe; calls wait for the compiler.
// Errors   InvalidArgument, ResourceExhausted: the module is to blame (ModuleCompiler).  DataLoss:
// the
//          file in modules/ is not what its name says.  NotFound: there is none.  Unavailable:
//          disk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"

#include "daemon/catalogue/compile_jobs.h"
#include "daemon/catalogue/module_compiler.h"
#include "daemon/catalogue/state_directory.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/module.h"

namespace tidepool::daemon {

using ModulePtr = std::shared_ptr<const engine::Module>;

class ArtifactStore {
 public:
  struct Options {
    uint32_t compilations_max = 2;
    engine::LoadOptions load;
  };
  static absl::StatusOr<std::unique_ptr<ArtifactStore>> Create(const StateDirectory& state,
                                                               engine::Engine& engine,
                                                               ModuleCompiler& compiler,
                                                               const Options& options);

  absl::StatusOr<ModulePtr> Get(const std::string& sha256);
  // The same for bytes that are not in modules/ yet: nothing is written there.
  absl::StatusOr<ModulePtr> Admit(const std::string& sha256, absl::Span<const uint8_t> wasm);

  // Removes the files of a module that nobody refers to any more.
  void Remove(const std::string& sha256);
  // Removes all files that belong to no module of `wanted`.
  void Sweep(const absl::flat_hash_set<std::string>& wanted);

 private:
  ArtifactStore(const StateDirectory& state,
                engine::Engine& engine,
                ModuleCompiler& compiler,
                const Options& options,
                std::string folder);
  std::string ArtifactPath(const std::string& sha256) const;
  ModulePtr FindLoaded(const std::string& sha256) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<ModulePtr> LoadCached(const std::string& sha256);
  absl::StatusOr<ModulePtr> CompileInto(const std::string& sha256, absl::Span<const uint8_t> wasm);
  ModulePtr Remember(const std::string& sha256, ModulePtr module) ABSL_LOCKS_EXCLUDED(mutex_);

  // Constant after construction.
  const StateDirectory& state_;
  engine::Engine& engine_;
  ModuleCompiler& compiler_;
  const Options options_;
  const std::string folder_;

  CompileJobs jobs_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::weak_ptr<const engine::Module>> loaded_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace tidepool::daemon
