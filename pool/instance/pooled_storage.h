// PooledStorage: storage from an InstancePool for a store that somebody else drives: several
// modules linked together, wasm scripts, the C API.  Never kept warm; always proved.
//
//   InstancePool pool = …;                    one per thread
//   PooledStorage storage(pool, tenant);
//   Store store(storage);
//   storage.ExpectImports(module, imports);   before each Instantiate: what Verify compares with
//   store.Instantiate(module, imports, …);
//   …
//   storage.Finish();                         while `store` is alive but will not run again
//
// Life     Provide any number of times, then Finish once.  Without Finish the destructor replaces every
//          mapping and proves nothing.
// Threads  That of its pool.
// Errors   Provide: as InstancePool::Take.  Finish: DataLoss naming what a reset left behind; the
//          status of a failed system call.  In both cases the storage is in quarantine.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "engine/runtime/linker.h"
#include "engine/runtime/store_storage.h"
#include "pool/instance/instance_pool.h"

namespace tidepool::pool {

class PooledStorage final : public engine::StoreStorage {
 public:
  PooledStorage(InstancePool& pool, TenantId tenant);
  ~PooledStorage() override;
  PooledStorage(const PooledStorage&) = delete;
  PooledStorage& operator=(const PooledStorage&) = delete;

  absl::StatusOr<engine::InstanceStorage> Provide(const engine::Module& module) override;

  // The next Provide is for `module` with `imports`, which must live until Finish.  Without it the
  // memories of that instance are proved, its state is reset but not compared.
  void ExpectImports(std::shared_ptr<const engine::Module> module,
                     const engine::ImportBindings& imports);

  // Resets, proves, gives everything back.
  absl::Status Finish();

 private:
  std::vector<std::shared_ptr<const engine::Module>> modules_;  // Until Finish.
  std::unique_ptr<Storage> storage_;  // Null once finished.
};

}  // namespace tidepool::pool
