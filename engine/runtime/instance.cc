#include "engine/runtime/instance.h"

#include "engine/runtime/module.h"
#include "engine/runtime/state_view.h"

namespace tidepool::engine {

std::optional<Extern> Instance::FindExport(absl::string_view name) const {
  const ModuleInfo& info = module_->info();
  const wasm::Export* found = info.FindExport(name);
  if (found == nullptr) return std::nullopt;
  const StateView state(*this);
  Extern external{.kind = found->kind, .store = store_};
  switch (found->kind) {
    case wasm::ExternalKind::kFunction:
      external.function = state.Function(found->index);
      external.function_type = &info.types[info.function_types[found->index]];
      break;
    case wasm::ExternalKind::kTable:
      external.table = &state.Table(found->index);
      external.table_type = info.tables[found->index].type;
      break;
    case wasm::ExternalKind::kMemory:
      external.memory = &state.Memory(found->index);
      external.memory_type = info.memories[found->index];
      break;
    case wasm::ExternalKind::kGlobal:
      external.global = &state.Global(found->index);
      external.global_type = info.globals[found->index].type;
      break;
    case wasm::ExternalKind::kTag: break;
  }
  return external;
}

const abi::FunctionRecord* Instance::FindFunction(absl::string_view name) const {
  const wasm::Export* found = module_->info().FindExport(name);
  if (found == nullptr || found->kind != wasm::ExternalKind::kFunction) return nullptr;
  return StateView(*this).Function(found->index);
}

absl::Span<uint8_t> Instance::Memory(uint32_t index) const {
  if (index >= module_->info().memories.size()) return {};
  const abi::MemoryRecord& memory = StateView(*this).Memory(index);
  return {memory.base, memory.bytes};
}

}  // namespace tidepool::engine
