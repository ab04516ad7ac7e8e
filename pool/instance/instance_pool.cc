#include "pool/instance/instance_pool.h"

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "engine/support/check.h"
#include "engine/support/status_macros.h"
#include "pool/instance/instance_pool_impl.h"

namespace tidepool::pool {

InstancePool::Impl::~Impl() {
  TP_CHECK(leased_count == 0);  // Leases end before their pool.
  while (idle.oldest() != nullptr) Evict(*idle.oldest());
  TP_CHECK(tenancies.empty());
}

void InstancePool::Impl::PutOnShelf(Tenancy& tenancy) {
  tenancy.leased = false;
  tenancy.below = tenancy.shelf->top;
  if (tenancy.below != nullptr) tenancy.below->above = &tenancy;
  tenancy.shelf->top = &tenancy;
  idle.PushNewest(tenancy);
}

void InstancePool::Impl::TakeOffShelf(Tenancy& tenancy) {
  // The top when it is leased, the bottom or another when it is given up.
  (tenancy.above != nullptr ? tenancy.above->below : tenancy.shelf->top) = tenancy.below;
  if (tenancy.below != nullptr) tenancy.below->above = tenancy.above;
  tenancy.below = tenancy.above = nullptr;
  idle.Remove(tenancy);
}

void InstancePool::Impl::Forget(Tenancy& tenancy) {
  TP_CHECK(tenancy.storage.empty());
  if (--tenancy.shelf->population == 0) shelves.erase(ShelfKey(tenancy.shelf->key));
  const size_t position = tenancy.position;
  std::swap(tenancies[position], tenancies.back());
  tenancies[position]->position = position;
  tenancies.pop_back();
}

void InstancePool::Impl::Evict(Tenancy& tenancy) {
  TakeOffShelf(tenancy);
  // What could not be unmapped is in quarantine and counted there; nobody waits for this status.
  static_cast<void>(tenancy.storage.Decommit());
  pool->counters().evictions.Add();
  Forget(tenancy);
}

uint64_t InstancePool::Impl::EvictWhere(absl::FunctionRef<bool(const Tenancy&)> wanted) {
  uint64_t evicted = 0;
  for (Tenancy* tenancy = idle.oldest(); tenancy != nullptr;) {
    Tenancy* next = tenancy->newer;
    if (wanted(*tenancy)) {
      Evict(*tenancy);
      ++evicted;
    }
    tenancy = next;
  }
  return evicted;
}

bool InstancePool::Impl::EvictOldest(bool with_slots) {
  for (Tenancy* tenancy = idle.oldest(); tenancy != nullptr; tenancy = tenancy->newer) {
    if (with_slots && tenancy->storage.slot_count() == 0) continue;
    Evict(*tenancy);
    return true;
  }
  return false;
}

uint64_t InstancePool::Impl::ReclaimIdle(uint64_t bytes) {
  const uint64_t before = pool->charges().total_bytes();
  const auto reclaimed = [&] { return before - pool->charges().total_bytes(); };
  while (reclaimed() < bytes && idle.oldest() != nullptr) Evict(*idle.oldest());
  return reclaimed();
}

Tenancy& InstancePool::Impl::Add(const ShelfKey& key,
                                 const std::shared_ptr<const engine::Module>& module,
                                 const std::shared_ptr<const engine::ImportBindings>& imports) {
  std::unique_ptr<Shelf>& shelf = shelves[key];
  if (shelf == nullptr) shelf = absl::WrapUnique(new Shelf{.key = key});
  ++shelf->population;
  tenancies.push_back(std::make_unique<Tenancy>(*pool, key.tenant));
  Tenancy& tenancy = *tenancies.back();
  tenancy.position = tenancies.size() - 1;
  tenancy.module = module;
  tenancy.imports = imports;
  tenancy.shelf = shelf.get();
  return tenancy;
}

absl::Status InstancePool::Impl::LeaseWarm(Tenancy& tenancy, const TakeOptions& options) {
  TP_RETURN_IF_ERROR(tenancy.store.BeginLease(options.limits));
  TakeOffShelf(tenancy);
  tenancy.leased = true;
  tenancy.warm = true;
  tenancy.storage.Lend();
  tenancy.store.set_host_data(options.host_data);
  if (tenancy.module->needs_initialization()) {
    tenancy.start_trap = tenancy.store.Reinitialize(*options.activation);
  }
  pool->counters().leases_warm.Add();
  return absl::OkStatus();
}

absl::StatusOr<Tenancy*> InstancePool::Impl::LeaseCold(
    const ShelfKey& key, const std::shared_ptr<const engine::Module>& module,
    const std::shared_ptr<const engine::ImportBindings>& imports, const TakeOptions& options) {
  Tenancy& tenancy = Add(key, module, imports);
  tenancy.store.set_limits(options.limits);
  tenancy.store.set_host_data(options.host_data);
  tenancy.storage.ExpectImports(imports.get());
  auto instantiated = tenancy.store.Instantiate(module, *imports, *options.activation);
  if (!instantiated.ok()) {
    static_cast<void>(tenancy.storage.Abandon());
    Forget(tenancy);
    return instantiated.status();
  }
  tenancy.instance = tenancy.store.instances()[0].get();
  tenancy.storage.NoteInstance(*tenancy.instance);
  if (auto* trap = std::get_if<engine::Trap>(&*instantiated)) {
    tenancy.start_trap = std::move(*trap);
  }
  pool->counters().leases_cold.Add();
  return &tenancy;
}

InstancePool::InstancePool(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
InstancePool::~InstancePool() = default;

absl::StatusOr<std::unique_ptr<InstancePool>> InstancePool::Create(const PoolOptions& options) {
  TP_ASSIGN_OR_RETURN(std::unique_ptr<StoragePool> pool, StoragePool::Create(options));
  return absl::WrapUnique(new InstancePool(std::make_unique<Impl>(std::move(pool))));
}

absl::StatusOr<Lease> InstancePool::Take(
    TenantId tenant, const std::shared_ptr<const engine::Module>& module,
    const std::shared_ptr<const engine::ImportBindings>& imports, const TakeOptions& options) {
  TP_CHECK(tenant != kNoTenant && module != nullptr && imports != nullptr &&
           options.activation != nullptr);
  const ShelfKey key{tenant, module->id(), imports.get()};
  const auto shelf = impl_->shelves.find(key);
  Tenancy* tenancy = shelf == impl_->shelves.end() ? nullptr : shelf->second->top;
  if (tenancy != nullptr) {
    TP_RETURN_IF_ERROR(impl_->LeaseWarm(*tenancy, options));
  } else {
    absl::StatusOr<Tenancy*> cold = impl_->LeaseCold(key, module, imports, options);
    if (absl::IsUnavailable(cold.status())) impl_->pool->counters().leases_refused.Add();
    if (!cold.ok()) return cold.status();
    tenancy = *cold;
  }
  ++tenancy->leases;
  ++impl_->leased_count;
  return Lease(this, tenancy);
}

LeaseReceipt InstancePool::EndLease(Tenancy& tenancy) {
  --impl_->leased_count;
  LeaseReceipt receipt;
  receipt.reset = impl_->pool->options().reset;
  receipt.warm = tenancy.warm;
  receipt.memory_bytes = tenancy.store.memory_bytes();
  tenancy.store.set_host_data(nullptr);
  // Further modules may have moved in, and a start function that trapped left who knows what undone:
  // such storage is proved like any other, and then given up.
  const bool keep = tenancy.storage.part_count() == 1 && !tenancy.start_trap.has_value();
  const bool verify = impl_->pool->DrawVerification();
  receipt.status = tenancy.storage.Reset(verify);
  receipt.verified = verify;
  receipt.quarantined = !receipt.status.ok();
  if (receipt.status.ok() && keep) {
    receipt.kept_warm = true;
    impl_->PutOnShelf(tenancy);
    return receipt;
  }
  if (receipt.status.ok()) {
    receipt.status = tenancy.storage.Decommit();
    receipt.quarantined = !receipt.status.ok();
  }
  impl_->Forget(tenancy);
  return receipt;
}

absl::Status InstancePool::CheckFits(const engine::Module& module) const {
  return impl_->pool->CheckFits(module);
}

uint64_t InstancePool::ReclaimIdle(uint64_t bytes) { return impl_->ReclaimIdle(bytes); }

uint64_t InstancePool::EvictModule(uint64_t module_id) {
  return impl_->EvictWhere(
      [&](const Tenancy& tenancy) { return tenancy.module->id() == module_id; });
}

uint64_t InstancePool::EvictTenant(TenantId tenant) {
  return impl_->EvictWhere(
      [&](const Tenancy& tenancy) { return tenancy.storage.tenant() == tenant; });
}

uint64_t InstancePool::RepairQuarantined() { return impl_->pool->RepairQuarantined(); }

absl::Status InstancePool::VerifyIdle() {
  absl::Status first;
  for (Tenancy* tenancy = impl_->idle.oldest(); tenancy != nullptr;) {
    Tenancy* next = tenancy->newer;
    absl::Status status = tenancy->storage.VerifyIdle();
    if (!status.ok()) {
      if (first.ok()) first = std::move(status);
      impl_->TakeOffShelf(*tenancy);
      impl_->Forget(*tenancy);
    }
    tenancy = next;
  }
  return first;
}

PoolStats InstancePool::stats() const { return impl_->pool->stats(); }
const Ledger& InstancePool::ledger() const { return impl_->pool->ledger(); }
const PoolOptions& InstancePool::options() const { return impl_->pool->options(); }

uint64_t InstancePool::charged_bytes(TenantId tenant) const {
  return impl_->pool->charges().BytesOf(tenant);
}

void InstancePool::ForEachStorage(const std::function<void(const StorageReport&)>& visit) const {
  for (const std::unique_ptr<Tenancy>& tenancy : impl_->tenancies) {
    const Storage& storage = tenancy->storage;
    visit(StorageReport{.tenant = storage.tenant(),
                        .module_id = tenancy->module->id(),
                        .state = tenancy->leased ? SlotState::kLeased : SlotState::kClean,
                        .slot_count = static_cast<uint32_t>(storage.slot_count()),
                        .accessible_bytes = storage.accessible_bytes(),
                        .resident_bytes = storage.ResidentBytes(),
                        .leases = tenancy->leases});
  }
}

uint64_t InstancePool::Audit() const { return impl_->pool->Audit(); }

}  // namespace tidepool::pool
