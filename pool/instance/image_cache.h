// ImageCache: the memory images of modules that have storage in this pool.
//
// Life     Made at a module's first instantiation, from its artifact; dropped with its last storage.
// Threads  One thread: the worker's.
// Errors   As MemoryImage::Create.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "engine/runtime/module.h"
#include "pool/memory/counter.h"
#include "pool/memory/ids.h"
#include "pool/memory/memory_image.h"

namespace tidepool::pool {

struct ImageSet {
  absl::InlinedVector<std::shared_ptr<const MemoryImage>, 1> memories;  // Defined ones.
  TenantId payer = kNoTenant;  // Who was charged present_bytes.
  uint64_t present_bytes = 0;
  uint64_t users = 0;
};

class ImageCache {
 public:
  // `ops` must outlive the cache.
  explicit ImageCache(MemoryOps& ops) : ops_(ops) {}

  // What the images of `module` would cost a tenant now: 0 when they are here.
  uint64_t CostOf(const engine::Module& module) const;
  // One more user; `payer` is noted when the images are made now.
  absl::StatusOr<const ImageSet*> Acquire(const engine::Module& module, TenantId payer);
  // One user less.  Gives payer and bytes when the images went with it; 0 bytes otherwise.
  struct Dropped {
    TenantId payer = kNoTenant;
    uint64_t present_bytes = 0;
  };
  Dropped Release(uint64_t module_id);

  uint64_t image_count() const { return image_count_.Get(); }    // Any thread.
  uint64_t image_bytes() const { return image_bytes_.Get(); }

 private:
  MemoryOps& ops_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<ImageSet>> sets_;
  Counter image_count_;
  Counter image_bytes_;
};

}  // namespace tidepool::pool
