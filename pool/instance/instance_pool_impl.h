// InstancePool::Impl: tenancies on their shelves, over one StoragePool.  Not for other folders.
//
// Threads  One thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "pool/instance/instance_pool.h"
#include "pool/instance/storage_pool.h"
#include "pool/instance/tenancy.h"

namespace tidepool::pool {

struct InstancePool::Impl final : public Evictor {
 public:
  explicit Impl(std::unique_ptr<StoragePool> storage_pool) : pool(std::move(storage_pool)) {
    pool->set_evictor(this);
  }
  ~Impl();

  // On the shelf ↔ leased.
  void PutOnShelf(Tenancy& tenancy);
  void TakeOffShelf(Tenancy& tenancy);
  // A tenancy that holds no storage any more.
  void Forget(Tenancy& tenancy);
  // Gives up an idle one: decommits and forgets it.
  void Evict(Tenancy& tenancy);
  uint64_t EvictWhere(absl::FunctionRef<bool(const Tenancy&)> wanted);
  bool EvictOldest(bool with_slots) override;
  uint64_t ReclaimIdle(uint64_t bytes) override;

  Tenancy& Add(const ShelfKey& key, const std::shared_ptr<const engine::Module>& module,
               const std::shared_ptr<const engine::ImportBindings>& imports);
  absl::Status LeaseWarm(Tenancy& tenancy, const TakeOptions& options);
  absl::StatusOr<Tenancy*> LeaseCold(const ShelfKey& key,
                                     const std::shared_ptr<const engine::Module>& module,
                                     const std::shared_ptr<const engine::ImportBindings>& imports,
                                     const TakeOptions& options);

  std::unique_ptr<StoragePool> pool;
  absl::flat_hash_map<ShelfKey, std::unique_ptr<Shelf>> shelves;
  IdleList idle;
  std::vector<std::unique_ptr<Tenancy>> tenancies;
  uint64_t leased_count = 0;
};

}  // namespace tidepool::pool
