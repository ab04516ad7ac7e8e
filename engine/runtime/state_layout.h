// StateLayout: what lies where in the state area of an instance.
//
//   0               host_records        tables (page-aligned)             bytes (page-aligned)
//   │ VmContext and │ HostRecord per     │ entries of defined table 0, 1, … │
//   │ its records   │ imported function  │ each to its capacity              │
//
// The first part is VmContextLayout, which machine code knows; the rest only the runtime does.
//
// Units    Offsets and sizes in bytes, from the VmContext; capacities in entries.
// Threads  Immutable.  Pure arithmetic.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/abi/vm_context.h"
#include "engine/artifact/module_info.h"

namespace tidepool::engine {

struct TablePlace {
  uint64_t offset = 0;
  uint64_t count_initial = 0;
  uint64_t count_max = 0;  // As declared.
  uint64_t capacity = 0;
};

struct StateLayout {
  abi::VmContextLayout context;
  uint64_t host_records = 0;
  std::vector<TablePlace> tables;  // Defined ones.
  uint64_t bytes = 0;
  // False when the tables begin with more than table_elements_max together: no instance can be made.
  bool tables_fit = true;

  uint64_t HostRecord(uint32_t imported_function) const {
    return host_records + 48ull * imported_function;
  }
};

// `table_elements_max`: LoadOptions::table_elements_max.
StateLayout PlanState(const ModuleInfo& info, uint64_t table_elements_max);

}  // namespace tidepool::engine
