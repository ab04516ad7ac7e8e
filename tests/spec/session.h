// Session: the world of one script: a store, what can be imported in it, and a stack to run on.
//
// Life     Create → Instantiate, Call … → Finish, which resets the storage and proves it clean.
// Threads  That of the environment.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

#include "engine/runtime/activation.h"
#include "engine/runtime/call.h"
#include "engine/runtime/linker.h"
#include "engine/runtime/module.h"
#include "engine/runtime/store.h"
#include "pool/instance/pooled_storage.h"
#include "tests/spec/environment.h"

namespace tidepool::spec {

using InstanceOrTrap = std::variant<engine::Instance*, engine::Trap>;

class Session {
 public:
  explicit Session(Environment& environment);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Links with what the linker holds and instantiates.  FailedPrecondition: does not link.
  absl::StatusOr<InstanceOrTrap> Instantiate(const std::shared_ptr<const engine::Module>& module,
                                             const engine::Linker::ResolveOptions& options = {});
  absl::StatusOr<engine::CallResult> Call(engine::Instance& instance,
                                          absl::string_view name,
                                          absl::Span<const engine::Value> arguments);

  // DataLoss: the reset left something behind.  No calls afterwards.
  absl::Status Finish();

  engine::Linker& linker() { return linker_; }
  engine::Store& store() { return *store_; }

 private:
  Environment& environment_;
  engine::Linker linker_;
  engine::Activation activation_;
  // Addresses that stay: the pool's proof reads them at the end.
  std::deque<engine::ImportBindings> imports_;
  std::unique_ptr<engine::StoreStorage> storage_;
  pool::PooledStorage* pooled_ = nullptr;  // `storage_`, when it is from the pool.
  std::unique_ptr<engine::Store> store_;
};

}  // namespace tidepool::spec
