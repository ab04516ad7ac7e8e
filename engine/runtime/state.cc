#include "engine/runtime/state.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/runtime/constant_expression.h"
#include "engine/runtime/module_internal.h"
#include "engine/runtime/state_view.h"
#include "engine/runtime/state_writer.h"

namespace tidepool::engine {
namespace {

void RestoreTable(const StateView& state, uint32_t table) {
  auto& record = state.At<abi::TableRecord>(state.layout().TableRecord(table));
  if (record.dirty == 0) return;
  const uint64_t initial = state.module().layout.tables[table].count_initial;
  // Entries beyond the count are zero at all times, so only what grew needs clearing.
  if (record.count > initial) {
    std::memset(record.entries + initial, 0, (record.count - initial) * sizeof(uint64_t));
  }
  WriteTableEntries(state, table, /*zeros=*/false, record.entries);
  record.count = initial;
  record.dirty = 0;
}

// Compares one region after the other and names the first difference.
class Comparison {
 public:
  Comparison(const StateView& expected, const uint8_t* actual)
      : expected_(expected), actual_(actual) {}

  bool Same(uint64_t offset, uint64_t bytes) const {
    return std::memcmp(&expected_.At<uint8_t>(offset), actual_ + offset, bytes) == 0;
  }
  // `count` elements from `offset` on; `first_index` is the index of the first, for the name.
  absl::Status Elements(absl::string_view name,
                        uint64_t offset,
                        uint64_t element_bytes,
                        uint32_t count,
                        uint32_t first_index,
                        absl::string_view suffix = "") const {
    if (Same(offset, element_bytes * count)) return absl::OkStatus();
    uint32_t i = 0;
    while (Same(offset + element_bytes * i, element_bytes)) ++i;
    return Differs(absl::StrCat(name, " ", first_index + i, suffix));
  }
  absl::Status Differs(absl::string_view what) const {
    return absl::DataLossError(absl::StrCat(expected_.module().name, ": ", what,
                                            " is not what a first instance has"));
  }

 private:
  const StateView& expected_;
  const uint8_t* actual_;
};

absl::Status CompareRecords(const StateView& expected, const uint8_t* actual) {
  const Comparison compare(expected, actual);
  const abi::VmContextLayout& layout = expected.layout();
  const ModuleInfo& info = expected.info();
  const abi::VmContextCounts& counts = info.counts;

  for (uint32_t i = 0; i < counts.defined_memories; ++i) {
    // The field a guest changes, by a name of its own.
    const uint64_t size = layout.MemoryRecord(i) + offsetof(abi::MemoryRecord, bytes);
    if (compare.Same(size, sizeof(uint64_t))) continue;
    return compare.Differs(absl::StrCat("memory ", counts.imported_memories + i, " size"));
  }
  const struct {
    absl::string_view name;
    uint64_t offset;
    uint64_t element_bytes;
    uint32_t count;
    uint32_t first_index;
    absl::string_view suffix;
  } regions[] = {
      {"VmContext word", 0, 8, abi::vmctx::kFixedBytes / 8, 0, ""},
      {"memory", layout.MemoryReference(0), 16, static_cast<uint32_t>(info.memories.size()), 0,
       " reference"},
      {"table", layout.TableReference(0), 8, static_cast<uint32_t>(info.tables.size()), 0,
       " reference"},
      {"global", layout.ImportedGlobal(0), 8, counts.imported_globals, 0, " reference"},
      {"import", layout.FunctionImport(0), 24, counts.imported_functions, 0, " of a function"},
      {"memory", layout.MemoryRecord(0), 48, counts.defined_memories, counts.imported_memories,
       " record"},
      {"table", layout.TableRecord(0), 40, counts.defined_tables, counts.imported_tables,
       " record"},
      {"global", layout.Global(0), 16, counts.defined_globals, counts.imported_globals, ""},
      {"function record", layout.FunctionRecord(0), 32, counts.escaping_functions, 0, ""},
      {"element segment", layout.ElementDropped(0), 1, counts.element_segments, 0, " flag"},
      {"data segment", layout.DataDropped(0), 1, counts.data_segments, 0, " flag"},
      {"import", expected.module().layout.host_records, sizeof(HostRecord),
       counts.imported_functions, 0, " host record"},
  };
  for (const auto& region : regions) {
    const absl::Status status = compare.Elements(region.name, region.offset, region.element_bytes,
                                                 region.count, region.first_index, region.suffix);
    if (!status.ok()) return status;
  }
  // What lies between the regions: alignment.
  if (!compare.Same(0, expected.module().layout.HostRecord(counts.imported_functions))) {
    return compare.Differs("VmContext padding");
  }
  return absl::OkStatus();
}

bool AllZero(const uint8_t* begin, const uint8_t* end) {
  return std::all_of(begin, end, [](uint8_t byte) { return byte == 0; });
}

absl::Status CompareTables(const StateView& expected, const uint8_t* actual) {
  const Comparison compare(expected, actual);
  const StateLayout& layout = expected.module().layout;
  uint64_t end = layout.HostRecord(expected.info().counts.imported_functions);
  const uint32_t imported = expected.info().counts.imported_tables;
  for (uint32_t i = 0; i < expected.info().counts.defined_tables; ++i) {
    const TablePlace& place = layout.tables[i];
    if (!AllZero(actual + end, actual + place.offset)) return compare.Differs("state padding");
    end = place.offset + place.capacity * sizeof(uint64_t);
    std::vector<uint64_t> entries(place.count_initial);
    WriteTableEntries(expected, i, /*zeros=*/true, entries.data());
    const auto* found = reinterpret_cast<const uint64_t*>(actual + place.offset);
    for (uint64_t entry = 0; entry < place.capacity; ++entry) {
      if (found[entry] == (entry < place.count_initial ? entries[entry] : 0)) continue;
      return compare.Differs(absl::StrCat("table ", imported + i, " entry ", entry));
    }
  }
  if (!AllZero(actual + end, actual + layout.bytes)) return compare.Differs("state padding");
  return absl::OkStatus();
}

}  // namespace

void RestoreState(const Module& module, const InstanceStorage& storage) {
  const ModuleImpl& impl = ImplOf(module);
  const StateView state(impl, storage.state, storage.state);
  const abi::VmContextCounts& counts = impl.info().counts;
  for (uint32_t i = 0; i < counts.defined_memories; ++i) {
    state.At<abi::MemoryRecord>(state.layout().MemoryRecord(i)).bytes =
        impl.shape.memories[i].initial_bytes;
  }
  for (uint32_t i = 0; i < counts.defined_tables; ++i) RestoreTable(state, i);
  for (const uint32_t global : impl.reset.mutable_globals) {
    const InfoGlobal& declared = impl.info().globals[counts.imported_globals + global];
    const Value value = EvaluateConstant(declared.init, state);
    state.At<abi::GlobalCell>(state.layout().Global(global)) = {.low = value.low,
                                                                .high = value.high};
  }
  if (impl.reset.flags_can_change) {
    std::memcpy(&state.ElementDropped(0), impl.reset.dropped_flags.data(),
                impl.reset.dropped_flags.size());
  }
}

absl::Status VerifyState(const Instance& instance,
                         const ImportBindings& imports,
                         const InstanceStorage& storage) {
  const ModuleImpl& impl = ImplOf(instance.module());
  const uint64_t record_bytes = impl.layout.HostRecord(impl.info().counts.imported_functions);
  // 16-aligned, as GlobalCell wants; operator new gives that.
  std::vector<uint8_t> copy(record_bytes);
  const StateView expected(impl, copy.data(), storage.state);
  WriteRecords(expected, imports, storage, instance);
  const absl::Status records = CompareRecords(expected, storage.state);
  if (!records.ok()) return records;
  return CompareTables(expected, storage.state);
}

}  // namespace tidepool::engine
