// memory.grow, .fill, .copy, .init and data.drop (wasm core 4.4.7).
//
// Bounds first, then pieces with a look at the control word between: a memory never moves and one
// fiber owns its store, so nobody can observe the gap (engine.md, "Bulk operations").
#include <algorithm>
#include <cstring>

#include "engine/runtime/builtins.h"
#include "engine/runtime/interrupt.h"
#include "engine/runtime/segments.h"
#include "engine/runtime/state_view.h"
#include "engine/runtime/store_internal.h"

namespace tidepool::engine::builtins {

Outcome<uint64_t> MemoryGrow(VmContext* context, uint32_t memory, uint64_t delta_pages) {
  constexpr uint64_t kRefused = UINT64_MAX;
  const StateView state(*context->instance);
  abi::MemoryRecord& record = state.Memory(memory);
  const uint8_t page_bytes_log2 = state.info().memories[memory].page_bytes_log2;
  const uint64_t old_bytes = record.bytes;
  const uint64_t old_pages = old_bytes >> page_bytes_log2;
  if (delta_pages == 0) return {.value = old_pages};

  const uint64_t bytes_max = std::min(record.bytes_max, record.reservation_bytes);
  if (delta_pages > (bytes_max - old_bytes) >> page_bytes_log2) return {.value = kRefused};
  const uint64_t added_bytes = delta_pages << page_bytes_log2;
  StoreAccess store(*context->store);
  if (!store.MayAddMemory(added_bytes)) return {.value = kRefused};
  if (record.grower == nullptr ||
      !record.grower->Grow(record.memory_ordinal, old_bytes, old_bytes + added_bytes).ok()) {
    return {.value = kRefused};
  }
  record.bytes = old_bytes + added_bytes;
  store.AddMemory(added_bytes);
  return {.value = old_pages};
}

Outcome<void> MemoryFill(
    VmContext* context, uint32_t memory, uint64_t to, uint32_t value, uint64_t bytes) {
  const abi::MemoryRecord& record = StateView(*context->instance).Memory(memory);
  if (!InBounds(to, bytes, record.bytes)) return {.trap = TrapCode::kMemoryOutOfBounds};
  for (uint64_t done = 0; done < bytes;) {
    const uint64_t piece = std::min(kPieceBytes, bytes - done);
    std::memset(record.base + to + done, static_cast<int>(value & 0xFF), piece);
    done += piece;
    if (done == bytes) break;
    if (const TrapCode trap = AttendIfWanted(); trap != TrapCode::kNone) return {.trap = trap};
  }
  return {};
}

Outcome<void> MemoryCopy(VmContext* context,
                         uint32_t to_memory_and_from_memory,
                         uint64_t to,
                         uint64_t from,
                         uint64_t bytes) {
  const StateView state(*context->instance);
  const abi::MemoryRecord& target = state.Memory(to_memory_and_from_memory & 0xFFFF);
  const abi::MemoryRecord& source = state.Memory(to_memory_and_from_memory >> 16);
  if (!InBounds(to, bytes, target.bytes) || !InBounds(from, bytes, source.bytes)) {
    return {.trap = TrapCode::kMemoryOutOfBounds};
  }
  // Towards higher addresses of one memory, the last piece first: it overwrites what it has read.
  const bool backward = to > from;
  for (uint64_t done = 0; done < bytes;) {
    const uint64_t piece = std::min(kPieceBytes, bytes - done);
    const uint64_t at = backward ? bytes - done - piece : done;
    std::memmove(target.base + to + at, source.base + from + at, piece);
    done += piece;
    if (done == bytes) break;
    if (const TrapCode trap = AttendIfWanted(); trap != TrapCode::kNone) return {.trap = trap};
  }
  return {};
}

Outcome<void> MemoryInit(VmContext* context,
                         uint32_t memory,
                         uint32_t segment,
                         uint64_t to,
                         uint32_t from,
                         uint32_t bytes) {
  return {.trap = InitMemory(
              StateView(*context->instance),
              {.memory = memory, .segment = segment, .to = to, .from = from, .bytes = bytes})};
}

Outcome<void> DataDrop(VmContext* context, uint32_t segment) {
  StateView(*context->instance).DataDropped(segment) = 1;
  return {};
}

}  // namespace tidepool::engine::builtins
