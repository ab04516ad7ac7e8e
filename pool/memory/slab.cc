#include "pool/memory/slab.h"

#include "absl/memory/memory.h"
#include "engine/support/status_macros.h"

namespace tidepool::pool {

absl::StatusOr<std::unique_ptr<Slab>> Slab::Reserve(MemoryOps& ops, const SlabLayout& layout) {
  TP_ASSIGN_OR_RETURN(uint8_t * base, ops.Reserve(layout.bytes()));
  auto slab = absl::WrapUnique(new Slab(ops, layout, base));
  TP_RETURN_IF_ERROR(AdvisePooled(ops, base, layout.bytes()));
  return slab;
}

Slab::~Slab() { ops_.Unmap(base_, layout_.bytes()); }

}  // namespace tidepool::pool
