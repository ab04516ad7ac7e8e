#include "engine/compiler/vm_context_counts.h"

namespace tidepool::engine {

std::vector<uint32_t> EscapeOrdinals(const wasm::ValidatedModule& validated) {
  const wasm::Module& module = validated.module();
  std::vector<uint32_t> ordinals(module.functions.size(), UINT32_MAX);
  uint32_t next = 0;
  for (uint32_t i = module.imported_function_count; i < module.functions.size(); ++i) {
    if (validated.Escapes(wasm::FunctionIndex{i})) ordinals[i] = next++;
  }
  return ordinals;
}

abi::VmContextCounts CountsOf(const wasm::ValidatedModule& validated) {
  const wasm::Module& module = validated.module();
  abi::VmContextCounts counts;
  counts.imported_functions = module.imported_function_count;
  counts.imported_memories = module.imported_memory_count;
  counts.defined_memories =
      static_cast<uint32_t>(module.memories.size()) - module.imported_memory_count;
  counts.imported_tables = module.imported_table_count;
  counts.defined_tables = static_cast<uint32_t>(module.tables.size()) - module.imported_table_count;
  counts.imported_globals = module.imported_global_count;
  counts.defined_globals =
      static_cast<uint32_t>(module.globals.size()) - module.imported_global_count;
  for (uint32_t i = module.imported_function_count; i < module.functions.size(); ++i) {
    if (validated.Escapes(wasm::FunctionIndex{i})) ++counts.escaping_functions;
  }
  counts.element_segments = static_cast<uint32_t>(module.elements.size());
  counts.data_segments = static_cast<uint32_t>(module.data.size());
  return counts;
}

}  // namespace tidepool::engine
