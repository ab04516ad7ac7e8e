#include "pool/instance/image_cache.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/support/check.h"
#include "engine/support/status_macros.h"
#include "engine/support/units.h"

namespace tidepool::pool {
namespace {

absl::StatusOr<std::shared_ptr<const MemoryImage>> MakeImage(MemoryOps& ops,
                                                             const engine::Module& module,
                                                             uint32_t memory) {
  std::vector<ImageExtent> extents;
  for (const engine::MemoryExtent& extent : module.info().memory_images) {
    if (extent.memory == memory) extents.push_back({extent.offset_bytes, extent.bytes});
  }
  return MemoryImage::Create(ops, module.shape().memories[memory].initial_bytes, extents);
}

}  // namespace

uint64_t ImageCache::CostOf(const engine::Module& module) const {
  if (sets_.contains(module.id())) return 0;
  uint64_t bytes = 0;
  for (const engine::MemoryExtent& extent : module.info().memory_images) {
    bytes += RoundUp(extent.bytes.size(), kHostPageBytes);
  }
  return bytes;
}

absl::StatusOr<const ImageSet*> ImageCache::Acquire(const engine::Module& module, TenantId payer) {
  const auto found = sets_.find(module.id());
  if (found != sets_.end()) {
    ++found->second->users;
    return found->second.get();
  }
  auto set = std::make_unique<ImageSet>();
  for (uint32_t i = 0; i < module.shape().memories.size(); ++i) {
    TP_ASSIGN_OR_RETURN(std::shared_ptr<const MemoryImage> image, MakeImage(ops_, module, i));
    set->present_bytes += image->present_bytes();
    set->memories.push_back(std::move(image));
  }
  set->payer = payer;
  set->users = 1;
  image_count_.Add(set->memories.size());
  image_bytes_.Add(set->present_bytes);
  return sets_.emplace(module.id(), std::move(set)).first->second.get();
}

ImageCache::Dropped ImageCache::Release(uint64_t module_id) {
  const auto found = sets_.find(module_id);
  TP_CHECK(found != sets_.end() && found->second->users > 0);
  if (--found->second->users > 0) return {};
  const Dropped dropped{found->second->payer, found->second->present_bytes};
  image_count_.Subtract(found->second->memories.size());
  image_bytes_.Subtract(dropped.present_bytes);
  sets_.erase(found);
  return dropped;
}

}  // namespace tidepool::pool
