#include "engine/abi/vm_context.h"
#include "engine/support/units.h"

namespace tidepool::engine::abi {

VmContextLayout::VmContextLayout(const VmContextCounts& counts)
    : element_segments_(counts.element_segments) {
  uint64_t at = vmctx::kFixedBytes;
  // Every element but a dropped flag is a multiple of 8 bytes, so only cells need aligning.
  const auto place = [&at](uint64_t count, uint64_t element_bytes) {
    const uint64_t offset = at;
    at += count * element_bytes;
    return offset;
  };
  memory_references_ = place(uint64_t{counts.imported_memories} + counts.defined_memories,
                             sizeof(abi::MemoryReference));
  table_references_ = place(uint64_t{counts.imported_tables} + counts.defined_tables, 8);
  global_references_ = place(counts.imported_globals, 8);
  function_imports_ = place(counts.imported_functions, sizeof(abi::FunctionImport));
  memory_records_ = place(counts.defined_memories, sizeof(abi::MemoryRecord));
  table_records_ = place(counts.defined_tables, sizeof(abi::TableRecord));
  at = RoundUp(at, alignof(GlobalCell));
  globals_ = place(counts.defined_globals, sizeof(GlobalCell));
  function_records_ = place(counts.escaping_functions, sizeof(abi::FunctionRecord));
  dropped_ = place(uint64_t{counts.element_segments} + counts.data_segments, 1);
  bytes_ = RoundUp(at, 16);
}

}  // namespace tidepool::engine::abi
