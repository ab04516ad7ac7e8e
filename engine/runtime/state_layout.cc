#include "engine/runtime/state_layout.h"

#include <algorithm>

#include "engine/support/units.h"

namespace tidepool::engine {
namespace {

uint64_t CountMaxOf(const wasm::TableType& type) {
  if (type.limits.has_max) return type.limits.max;
  return type.address == wasm::AddressType::kI32 ? UINT32_MAX : UINT64_MAX;
}

}  // namespace

StateLayout PlanState(const ModuleInfo& info, uint64_t table_elements_max) {
  StateLayout layout{.context = abi::VmContextLayout(info.counts)};
  layout.host_records = layout.context.bytes();
  uint64_t at = layout.host_records + 48ull * info.counts.imported_functions;

  uint64_t initial_sum = 0;
  uint64_t growable_count = 0;
  layout.tables.reserve(info.counts.defined_tables);
  for (size_t i = info.counts.imported_tables; i < info.tables.size(); ++i) {
    const wasm::TableType& type = info.tables[i].type;
    TablePlace place{.count_initial = type.limits.min, .count_max = CountMaxOf(type)};
    // Each is at most table_elements_max here, so the sum cannot wrap.
    if (place.count_initial > table_elements_max) layout.tables_fit = false;
    initial_sum += std::min(place.count_initial, table_elements_max);
    if (place.count_max > place.count_initial) ++growable_count;
    layout.tables.push_back(place);
  }
  if (initial_sum > table_elements_max) layout.tables_fit = false;
  if (!layout.tables_fit) {
    layout.bytes = RoundUp(at, kHostPageBytes);
    return layout;
  }

  // What all tables begin with is theirs; those that may grow share the rest evenly, so that the sum
  // stays bounded however many tables a module declares.
  const uint64_t share =
      growable_count == 0 ? 0 : (table_elements_max - initial_sum) / growable_count;
  at = RoundUp(at, kHostPageBytes);
  for (TablePlace& place : layout.tables) {
    const uint64_t room = std::min(share, place.count_max - place.count_initial);
    place.capacity = place.count_initial + room;
    place.offset = at;
    at += place.capacity * sizeof(uint64_t);
  }
  layout.bytes = RoundUp(at, kHostPageBytes);
  return layout;
}

}  // namespace tidepool::engine
