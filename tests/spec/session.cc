#include "tests/spec/session.h"

#include <utility>

#include "engine/runtime/owned_storage.h"
#include "engine/support/status_macros.h"

namespace tidepool::spec {
namespace {

// Scripts have no tenants; one of the pool's must be named all the same.
constexpr pool::TenantId kTenant{1};

}  // namespace

Session::Session(Environment& environment)
    : environment_(environment),
      linker_(environment.engine()),
      activation_(environment.stack().limit(), nullptr) {
  if (environment.pool() != nullptr) {
    auto pooled = std::make_unique<pool::PooledStorage>(*environment.pool(), kTenant);
    pooled_ = pooled.get();
    storage_ = std::move(pooled);
  } else {
    storage_ = std::make_unique<engine::OwnedStorage>();
  }
  store_ = std::make_unique<engine::Store>(*storage_);
}

Session::~Session() = default;

absl::StatusOr<InstanceOrTrap> Session::Instantiate(
    const std::shared_ptr<const engine::Module>& module,
    const engine::Linker::ResolveOptions& options) {
  TP_ASSIGN_OR_RETURN(engine::ImportBindings imports, linker_.Resolve(*module, options));
  imports_.push_back(std::move(imports));
  if (pooled_ != nullptr) pooled_->ExpectImports(module, imports_.back());
  absl::StatusOr<InstanceOrTrap> result = absl::InternalError("not run");
  environment_.stack().Run(
      [&] { result = store_->Instantiate(module, imports_.back(), activation_); });
  return result;
}

absl::StatusOr<engine::CallResult> Session::Call(engine::Instance& instance,
                                                 absl::string_view name,
                                                 absl::Span<const engine::Value> arguments) {
  absl::StatusOr<engine::CallResult> result = absl::InternalError("not run");
  environment_.stack().Run(
      [&] { result = engine::CallExport(instance, name, arguments, activation_); });
  return result;
}

absl::Status Session::Finish() {
  return pooled_ != nullptr ? pooled_->Finish() : absl::OkStatus();
}

}  // namespace tidepool::spec
