#include "tests/spec/session.h"

#include <utility>

#include "engine/runtime/owned_storage.h"
#include "engine/support/status_macros.h"
#include "tests/spec/guest_thread.h"

namespace tidepool::spec {
namespace {

// Scripts have no tenants; one of the pool's must be named all the same.
constexpr pool::TenantId kTenant{1};

}  // namespace

Session::Session(Environment& environment)
    : environment_(environment),
      linker_(environment.engine()),
      activation_(engine::Activation::LimitOnCurrentStack(kGuestStackBytes), nullptr) {
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
  return store_->Instantiate(module, imports_.back(), activation_);
}

absl::StatusOr<engine::CallResult> Session::Call(engine::Instance& instance,
                                                 absl::string_view name,
                                                 absl::Span<const engine::Value> arguments) {
  return engine::CallExport(instance, name, arguments, activation_);
}

absl::Status Session::Finish() {
  return pooled_ != nullptr ? pooled_->Finish() : absl::OkStatus();
}

}  // namespace tidepool::spec
