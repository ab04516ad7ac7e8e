// Environment: what all scripts of one run share: the engine, a compiler, a pool, a stack.
//
// Life     Outlives every Session.
// Threads  The one that made it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "engine/compiler/backend.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/guest_stack.h"
#include "engine/runtime/module.h"
#include "engine/wasm/module.h"
#include "pool/instance/instance_pool.h"
#include "tests/spec/options.h"

namespace tidepool::spec {

class Environment {
 public:
  // Errors: strategies that cannot be had here; a slab that does not fit; no room for the stack.
  static absl::StatusOr<std::unique_ptr<Environment>> Create(const Options& options);

  // Decoder and validator alone.  InvalidArgument: refused.
  absl::Status Check(absl::Span<const uint8_t> wasm) const;
  // The whole way: validated, compiled, written as an artifact, mapped.  `name` is for messages.
  absl::StatusOr<std::shared_ptr<const engine::Module>> Compile(absl::Span<const uint8_t> wasm,
                                                                const std::string& name);

  engine::Engine& engine() { return engine_; }
  // Scripts ask for the end of it.
  engine::GuestStack& stack() { return *stack_; }
  pool::InstancePool* pool() { return pool_.get(); }  // Null: --storage owned.
  const Options& options() const { return options_; }

 private:
  explicit Environment(const Options& options);
  const Options options_;
  engine::Engine engine_;
  std::unique_ptr<engine::Backend> backend_;
  std::unique_ptr<pool::InstancePool> pool_;
  std::optional<engine::GuestStack> stack_;
};

}  // namespace tidepool::spec
