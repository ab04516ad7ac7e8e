// Tenancy: one storage with the store and instance that live in it, as the pool keeps it.
// Shelf: the tenancies of one (tenant, module, imports) that wait for their next lease.
// IdleList: all waiting tenancies, the longest idle first.
//
//   shelf (7, module 3)  top ─► tenancy ─► tenancy          last in, first out: still in cache
//   shelf (9, module 3)  top ─► tenancy                     never another tenant's
//   idle list            oldest ◄─► … ◄─► newest            who is given up first
//
// Life     Made at a cold lease; on its shelf between leases; gone when evicted or quarantined.
// Threads  One thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>

#include "engine/runtime/store.h"
#include "pool/instance/storage.h"

namespace tidepool::pool {

// Imports are told apart by address: an instance keeps those it was made with.
struct ShelfKey {
  TenantId tenant = kNoTenant;
  uint64_t module_id = 0;
  const engine::ImportBindings* imports = nullptr;

  friend bool operator==(const ShelfKey&, const ShelfKey&) = default;
  template <typename H>
  friend H AbslHashValue(H hash, const ShelfKey& key) {
    return H::combine(std::move(hash), key.tenant, key.module_id, key.imports);
  }
};

struct Tenancy;

struct Shelf {
  ShelfKey key;
  Tenancy* top = nullptr;
  uint64_t population = 0;  // Tenancies of this key, waiting or leased.
};

struct Tenancy {
  Tenancy(StoragePool& pool, TenantId tenant) : storage(pool, tenant), store(storage) {}

  std::shared_ptr<const engine::Module> module;
  std::shared_ptr<const engine::ImportBindings> imports;
  Storage storage;
  engine::Store store;
  engine::Instance* instance = nullptr;
  std::optional<engine::Trap> start_trap;
  bool leased = true;
  bool warm = false;  // This lease began on storage that held the module already.
  uint64_t leases = 0;
  size_t position = 0;  // In the pool's list of all tenancies.

  Shelf* shelf = nullptr;
  Tenancy* below = nullptr;  // On its shelf.
  Tenancy* above = nullptr;
  Tenancy* older = nullptr;  // In the idle list.
  Tenancy* newer = nullptr;
};

class IdleList {
 public:
  Tenancy* oldest() const { return oldest_; }
  void PushNewest(Tenancy& tenancy) {
    tenancy.older = newest_;
    tenancy.newer = nullptr;
    (newest_ != nullptr ? newest_->newer : oldest_) = &tenancy;
    newest_ = &tenancy;
  }
  void Remove(Tenancy& tenancy) {
    (tenancy.older != nullptr ? tenancy.older->newer : oldest_) = tenancy.newer;
    (tenancy.newer != nullptr ? tenancy.newer->older : newest_) = tenancy.older;
    tenancy.older = tenancy.newer = nullptr;
  }

 private:
  Tenancy* oldest_ = nullptr;
  Tenancy* newest_ = nullptr;
};

}  // namespace tidepool::pool
