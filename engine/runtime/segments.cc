#include "engine/runtime/segments.h"

#include <algorithm>
#include <cstring>

#include "engine/runtime/constant_expression.h"
#include "engine/runtime/interrupt.h"

namespace tidepool::engine {
namespace {

uint64_t EntryOf(const StateView& state, const InfoElementSegment& segment, uint64_t index) {
  if (segment.has_expressions) return EvaluateConstant(segment.expressions[index], state).low;
  return reinterpret_cast<uintptr_t>(state.Function(segment.functions[index]));
}

}  // namespace

TrapCode InitTable(const StateView& state, const TableInit& init) {
  const InfoElementSegment& segment = state.info().elements[init.segment];
  const uint64_t available = state.ElementDropped(init.segment) != 0 ? 0 : segment.count();
  abi::TableRecord& table = state.Table(init.table);
  if (!InBounds(init.from, init.count, available) || !InBounds(init.to, init.count, table.count)) {
    return TrapCode::kTableOutOfBounds;
  }
  constexpr uint64_t kPieceEntries = kPieceBytes / sizeof(uint64_t);
  for (uint64_t done = 0; done < init.count;) {
    const uint64_t end = done + std::min(kPieceEntries, init.count - done);
    table.dirty = 1;
    for (; done < end; ++done) {
      table.entries[init.to + done] = EntryOf(state, segment, init.from + done);
    }
    if (done == init.count) break;
    if (const TrapCode trap = AttendIfWanted(); trap != TrapCode::kNone) return trap;
  }
  return TrapCode::kNone;
}

TrapCode InitMemory(const StateView& state, const MemoryInit& init) {
  const InfoDataSegment& segment = state.info().data[init.segment];
  const uint64_t available = state.DataDropped(init.segment) != 0 ? 0 : segment.bytes.size();
  const abi::MemoryRecord& memory = state.Memory(init.memory);
  if (!InBounds(init.from, init.bytes, available) ||
      !InBounds(init.to, init.bytes, memory.bytes)) {
    return TrapCode::kMemoryOutOfBounds;
  }
  for (uint64_t done = 0; done < init.bytes;) {
    const uint64_t piece = std::min(kPieceBytes, init.bytes - done);
    std::memcpy(memory.base + init.to + done, segment.bytes.data() + init.from + done, piece);
    done += piece;
    if (done == init.bytes) break;
    if (const TrapCode trap = AttendIfWanted(); trap != TrapCode::kNone) return trap;
  }
  return TrapCode::kNone;
}

}  // namespace tidepool::engine
