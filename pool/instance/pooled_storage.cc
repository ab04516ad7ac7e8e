#include "pool/instance/pooled_storage.h"

#include "engine/support/check.h"
#include "engine/support/status_macros.h"
#include "pool/instance/instance_pool_impl.h"

namespace tidepool::pool {

PooledStorage::PooledStorage(InstancePool& pool, TenantId tenant)
    : storage_(std::make_unique<Storage>(*pool.impl_->pool, tenant)) {}

PooledStorage::~PooledStorage() {
  if (storage_ == nullptr) return;
  // The store is gone, perhaps its modules too: nothing of theirs is looked at.
  static_cast<void>(storage_->Abandon());
}

absl::StatusOr<engine::InstanceStorage> PooledStorage::Provide(const engine::Module& module) {
  TP_CHECK(storage_ != nullptr);
  return storage_->Provide(module);
}

void PooledStorage::ExpectImports(std::shared_ptr<const engine::Module> module,
                                  const engine::ImportBindings& imports) {
  TP_CHECK(storage_ != nullptr);
  modules_.push_back(std::move(module));
  storage_->ExpectImports(&imports);
}

absl::Status PooledStorage::Finish() {
  TP_CHECK(storage_ != nullptr);
  const std::unique_ptr<Storage> storage = std::move(storage_);
  TP_RETURN_IF_ERROR(storage->Reset(/*verify=*/true));
  return storage->Decommit();
}

}  // namespace tidepool::pool
