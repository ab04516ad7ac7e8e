#include "engine/runtime/state_writer.h"

#include <cstring>

#include "engine/runtime/constant_expression.h"
#include "engine/runtime/transitions.h"
#include "engine/support/check.h"

namespace tidepool::engine {
namespace {

const void* HostThunk() { return reinterpret_cast<const void*>(&TidepoolHostThunk); }

void WriteFunctionImport(const StateView& state,
                         uint32_t function,
                         const ImportBinding& binding,
                         const Instance& instance) {
  auto& import = state.At<abi::FunctionImport>(state.layout().FunctionImport(function));
  if (binding.host_function == nullptr) {
    const abi::FunctionRecord& record = *binding.external.function;
    import = {.code = record.code, .context = record.context, .record = &record};
    return;
  }
  const uint64_t offset = state.module().layout.HostRecord(function);
  auto* address = state.AddressOf<HostRecord>(offset);
  const uint32_t type = state.info().function_types[function];
  state.At<HostRecord>(offset) = {.record = {.code = HostThunk(),
                                             .context = address,
                                             .type_id = state.module().type_ids[type],
                                             .function_index = UINT32_MAX,
                                             .reserved = nullptr},
                                  .function = binding.host_function,
                                  .instance = const_cast<Instance*>(&instance)};
  import = {.code = HostThunk(), .context = address, .record = &address->record};
}

void WriteImports(const StateView& state,
                  const ImportBindings& imports,
                  const Instance& instance) {
  const ModuleInfo& info = state.info();
  TP_CHECK(imports.bindings.size() == info.imports.size());
  for (size_t i = 0; i < info.imports.size(); ++i) {
    const ImportBinding& binding = imports.bindings[i];
    const uint32_t index = info.imports[i].index;
    switch (info.imports[i].kind) {
      case wasm::ExternalKind::kFunction:
        WriteFunctionImport(state, index, binding, instance);
        break;
      case wasm::ExternalKind::kTable:
        state.At<abi::TableRecord*>(state.layout().TableReference(index)) = binding.external.table;
        break;
      case wasm::ExternalKind::kMemory:
        state.At<abi::MemoryReference>(state.layout().MemoryReference(index)) = {
            .base = binding.external.memory->base, .record = binding.external.memory};
        break;
      case wasm::ExternalKind::kGlobal:
        state.At<abi::GlobalCell*>(state.layout().ImportedGlobal(index)) = binding.external.global;
        break;
      case wasm::ExternalKind::kTag: TP_CHECK(!"tags are not linked yet"); break;
    }
  }
}

void WriteMemories(const StateView& state, const InstanceStorage& storage) {
  const ModuleInfo& info = state.info();
  const StorageShape& shape = state.module().shape;
  for (uint32_t i = 0; i < info.counts.defined_memories; ++i) {
    const MemoryStorage& memory = storage.memories[i];
    const uint64_t offset = state.layout().MemoryRecord(i);
    state.At<abi::MemoryRecord>(offset) = {.base = memory.base,
                                           .bytes = shape.memories[i].initial_bytes,
                                           .bytes_max = shape.memories[i].bytes_max,
                                           .reservation_bytes = memory.reservation_bytes,
                                           .grower = memory.grower,
                                           .memory_ordinal = memory.ordinal};
    const uint32_t index = info.counts.imported_memories + i;
    state.At<abi::MemoryReference>(state.layout().MemoryReference(index)) = {
        .base = memory.base, .record = state.AddressOf<abi::MemoryRecord>(offset)};
  }
}

void WriteTables(const StateView& state) {
  const ModuleInfo& info = state.info();
  for (uint32_t i = 0; i < info.counts.defined_tables; ++i) {
    const TablePlace& place = state.module().layout.tables[i];
    const uint64_t offset = state.layout().TableRecord(i);
    state.At<abi::TableRecord>(offset) = {.entries = state.AddressOf<uint64_t>(place.offset),
                                          .count = place.count_initial,
                                          .count_max = place.count_max,
                                          .capacity = place.capacity,
                                          .dirty = 0};
    const uint32_t index = info.counts.imported_tables + i;
    state.At<abi::TableRecord*>(state.layout().TableReference(index)) =
        state.AddressOf<abi::TableRecord>(offset);
  }
}

void WriteFunctions(const StateView& state) {
  const ModuleInfo& info = state.info();
  const ModuleImpl& module = state.module();
  const uint8_t* text = module.artifact.text().data();
  for (uint32_t i = 0; i < info.escaping_functions.size(); ++i) {
    const uint32_t function = info.escaping_functions[i];
    const uint32_t defined = function - info.counts.imported_functions;
    state.At<abi::FunctionRecord>(state.layout().FunctionRecord(i)) = {
        .code = text + module.artifact.functions().TextOffset(defined),
        .context = state.AddressOf<abi::VmContext>(0),
        .type_id = module.type_ids[info.function_types[function]],
        .function_index = function,
        .reserved = nullptr};
  }
}

}  // namespace

void WriteRecords(const StateView& state,
                  const ImportBindings& imports,
                  const InstanceStorage& storage,
                  const Instance& instance) {
  const ModuleInfo& info = state.info();
  WriteImports(state, imports, instance);
  WriteMemories(state, storage);
  WriteTables(state);
  WriteFunctions(state);
  // In order: an initialiser may read the globals before its own.
  for (uint32_t i = 0; i < info.counts.defined_globals; ++i) {
    const InfoGlobal& global = info.globals[info.counts.imported_globals + i];
    const Value value = EvaluateConstant(global.init, state);
    state.At<abi::GlobalCell>(state.layout().Global(i)) = {.low = value.low, .high = value.high};
  }
  const std::vector<uint8_t>& flags = state.module().reset.dropped_flags;
  if (!flags.empty()) std::memcpy(&state.ElementDropped(0), flags.data(), flags.size());

  auto& context = state.At<abi::VmContext>(0);
  context = {.store = &instance.store(),
             .instance = const_cast<Instance*>(&instance),
             .type_ids = state.module().type_ids.data()};
  if (!info.memories.empty()) {
    context.memory0 = state.At<abi::MemoryReference>(state.layout().MemoryReference(0));
  }
}

void WriteTableEntries(const StateView& state, uint32_t table, bool zeros, uint64_t* entries) {
  const ModuleInfo& info = state.info();
  const InfoTable& declared = info.tables[info.counts.imported_tables + table];
  const uint64_t count = state.module().layout.tables[table].count_initial;
  const uint64_t fill = declared.has_init ? EvaluateConstant(declared.init, state).low : 0;
  if (fill != 0) {
    for (uint64_t i = 0; i < count; ++i) entries[i] = fill;
  } else if (!zeros) {
    std::memset(entries, 0, count * sizeof(uint64_t));
  }
  for (const TableExtent& extent : info.table_images) {
    if (extent.table != table) continue;
    uint64_t* entry = entries + extent.first;
    for (const uint32_t function : extent.functions) {
      const abi::FunctionRecord* record =
          function == UINT32_MAX ? nullptr : state.Function(function);
      *entry++ = reinterpret_cast<uintptr_t>(record);
    }
  }
}

}  // namespace tidepool::engine
