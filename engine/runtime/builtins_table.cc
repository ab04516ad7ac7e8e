// table.get, .set, .grow, .fill, .copy, .init and elem.drop (wasm core 4.4.6).
//
// As for memories: bounds first, then pieces.  Every write marks the table dirty *before* it happens,
// so that a reset knows of it however the operation ends.
#include <algorithm>
#include <cstring>

#include "engine/runtime/builtins.h"
#include "engine/runtime/interrupt.h"
#include "engine/runtime/segments.h"
#include "engine/runtime/state_view.h"
#include "engine/runtime/store_internal.h"

namespace tidepool::engine::builtins {
namespace {

constexpr uint64_t kPieceEntries = kPieceBytes / sizeof(uint64_t);

abi::TableRecord& TableOf(VmContext* context, uint32_t table) {
  return StateView(*context->instance).Table(table);
}

// Writes entries that may lie beyond the count, but not beyond the capacity.
TrapCode FillEntries(abi::TableRecord& table, uint64_t to, uint64_t value, uint64_t count) {
  table.dirty = 1;
  for (uint64_t done = 0; done < count;) {
    const uint64_t piece = std::min(kPieceEntries, count - done);
    std::fill_n(table.entries + to + done, piece, value);
    done += piece;
    if (done == count) break;
    if (const TrapCode trap = AttendIfWanted(); trap != TrapCode::kNone) return trap;
  }
  return TrapCode::kNone;
}

}  // namespace

Outcome<uint64_t> TableGet(VmContext* context, uint32_t table, uint64_t index) {
  const abi::TableRecord& record = TableOf(context, table);
  if (index >= record.count) return {.trap = TrapCode::kTableOutOfBounds};
  return {.value = record.entries[index]};
}

Outcome<void> TableSet(VmContext* context, uint32_t table, uint64_t index, uint64_t value) {
  abi::TableRecord& record = TableOf(context, table);
  if (index >= record.count) return {.trap = TrapCode::kTableOutOfBounds};
  record.dirty = 1;
  record.entries[index] = value;
  return {};
}

Outcome<uint64_t> TableGrow(VmContext* context, uint32_t table, uint64_t value, uint64_t delta) {
  constexpr uint64_t kRefused = UINT64_MAX;
  abi::TableRecord& record = TableOf(context, table);
  const uint64_t old_count = record.count;
  if (delta == 0) return {.value = old_count};
  if (delta > std::min(record.count_max, record.capacity) - old_count) return {.value = kRefused};
  if (!StoreAccess(*context->store).MayHaveTable(old_count + delta)) return {.value = kRefused};

  record.dirty = 1;
  // Entries beyond the count are zero, that is null, at all times.
  if (value != 0) {
    const TrapCode trap = FillEntries(record, old_count, value, delta);
    if (trap != TrapCode::kNone) {
      std::memset(record.entries + old_count, 0, delta * sizeof(uint64_t));
      return {.trap = trap};
    }
  }
  record.count = old_count + delta;
  return {.value = old_count};
}

Outcome<void> TableFill(
    VmContext* context, uint32_t table, uint64_t to, uint64_t value, uint64_t count) {
  abi::TableRecord& record = TableOf(context, table);
  if (!InBounds(to, count, record.count)) return {.trap = TrapCode::kTableOutOfBounds};
  return {.trap = FillEntries(record, to, value, count)};
}

Outcome<void> TableCopy(VmContext* context,
                        uint32_t to_table,
                        uint32_t from_table,
                        uint64_t to,
                        uint64_t from,
                        uint64_t count) {
  abi::TableRecord& target = TableOf(context, to_table);
  const abi::TableRecord& source = TableOf(context, from_table);
  if (!InBounds(to, count, target.count) || !InBounds(from, count, source.count)) {
    return {.trap = TrapCode::kTableOutOfBounds};
  }
  target.dirty = 1;
  const bool backward = to > from;
  for (uint64_t done = 0; done < count;) {
    const uint64_t piece = std::min(kPieceEntries, count - done);
    const uint64_t at = backward ? count - done - piece : done;
    std::memmove(target.entries + to + at, source.entries + from + at, piece * sizeof(uint64_t));
    done += piece;
    if (done == count) break;
    if (const TrapCode trap = AttendIfWanted(); trap != TrapCode::kNone) return {.trap = trap};
  }
  return {};
}

Outcome<void> TableInit(VmContext* context,
                        uint32_t table,
                        uint32_t segment,
                        uint64_t to,
                        uint32_t from,
                        uint32_t count) {
  return {.trap = InitTable(
              StateView(*context->instance),
              {.table = table, .segment = segment, .to = to, .from = from, .count = count})};
}

Outcome<void> ElemDrop(VmContext* context, uint32_t segment) {
  StateView(*context->instance).ElementDropped(segment) = 1;
  return {};
}

}  // namespace tidepool::engine::builtins
