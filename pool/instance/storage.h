// Storage: what a store lives in: n memory slots and the state areas of its instances.  Lent, reset,
// proved and condemned as one.
//
//   part 0 (a module)   state area │ slot │ slot …     one per Provide; most stores have one part
//   part 1              state area │ slot …
//
// Life     empty ─Provide…► in use ─Reset► clean ─Lend► in use …
//                              │              └─Decommit► empty
//                              └─ Reset or Verify failed, Condemn ► empty; slots and areas are in
//                                 quarantine
// Threads  One thread: that of its pool.
// Errors   Provide: Unavailable (no slot, area or budget now), ResourceExhausted (never fits),
//          FailedPrecondition (relies on guards that growth=none does not give); the storage is as
//          before then.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/runtime/linker.h"
#include "engine/runtime/module.h"
#include "engine/runtime/store_storage.h"
#include "pool/instance/image_cache.h"
#include "pool/memory/ids.h"
#include "pool/memory/slot.h"

namespace tidepool::pool {

class StoragePool;

class Storage final : public engine::StoreStorage, public engine::MemoryGrower {
 public:
  Storage(StoragePool& pool, TenantId tenant);
  // Empty by then.
  ~Storage() override;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  TenantId tenant() const { return tenant_; }
  bool empty() const { return parts_.empty(); }
  size_t part_count() const { return parts_.size(); }
  size_t slot_count() const { return slots_.size(); }
  const Slot& slot(size_t i) const { return *slots_[i]; }
  uint64_t charged_bytes() const { return charged_bytes_; }
  uint64_t accessible_bytes() const;
  // Private pages and growth that are present or swapped out; 0 when /proc does not tell.
  uint64_t ResidentBytes() const;

  // The next Provide is for a module with these imports, which must live as long as its part.
  void ExpectImports(const engine::ImportBindings* imports) { expected_imports_ = imports; }

  // The instance that lives in the last part, so that its proof need not believe the part itself.
  void NoteInstance(const engine::Instance& instance) { parts_.back().instance = &instance; }

  absl::StatusOr<engine::InstanceStorage> Provide(const engine::Module& module) override;
  absl::Status Grow(uint64_t ordinal, uint64_t old_bytes, uint64_t new_bytes) override;

  // Clean → in use again.
  void Lend();
  // In use → clean, proved when `verify`.  The store and its modules must still be alive.  Not OK:
  // everything is in quarantine, the storage is empty.
  absl::Status Reset(bool verify);
  // Clean → empty: every mapping is replaced, every state area dropped.  What fails at that goes to
  // quarantine; the first such status.
  absl::Status Decommit();
  // In use → empty, without a look at store or modules: mappings replaced, areas dropped.
  absl::Status Abandon();
  // Clean: proves it.  Not OK: everything is in quarantine, the storage is empty.
  absl::Status VerifyIdle();

 private:
  struct Part {
    const engine::Module* module;
    uint64_t module_id;
    const engine::ImportBindings* imports;  // Null: not told; the state is not compared then.
    engine::InstanceStorage given;
    uint64_t state_bytes;
    const engine::Instance* instance;  // Null: not told; the VmContext says.
  };

  absl::Status ChargeAndTake(const engine::Module& module, Part& part);
  absl::Status TakeSlots(const ImageSet& images, Part& part);
  uint64_t PromisedBytes() const;
  absl::Status Verify() const;
  absl::Status VerifyPart(const Part& part) const;
  absl::Status Empty();
  void QuarantineAll(Counter& cause);
  void ReleaseImages(uint64_t module_id);

  StoragePool& pool_;
  const TenantId tenant_;
  absl::InlinedVector<Part, 1> parts_;
  absl::InlinedVector<Slot*, 1> slots_;  // By MemoryStorage::ordinal.
  uint64_t charged_bytes_ = 0;
  const engine::ImportBindings* expected_imports_ = nullptr;
};

}  // namespace tidepool::pool
