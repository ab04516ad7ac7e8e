// Writes the state area of an instance as it begins.  The same code makes the copy that a used state
// is compared with (VerifyState), so the two cannot drift apart.
//
// Threads  The store's.
#pragma once

#include <cstdint>

#include "engine/runtime/linker.h"
#include "engine/runtime/state_view.h"
#include "engine/runtime/store_storage.h"

namespace tidepool::engine {

// All but table entries: [0, StateLayout::host_records end) of `state`, which holds zeros there.
// `imports` fit the module.
void WriteRecords(const StateView& state,
                  const ImportBindings& imports,
                  const InstanceStorage& storage,
                  const Instance& instance);

// The entries that defined table `table` begins with, to entries[0 … count_initial), once the records
// of `state` are written.  `zeros`: they hold zeros already; null entries are then not touched.
void WriteTableEntries(const StateView& state, uint32_t table, bool zeros, uint64_t* entries);

}  // namespace tidepool::engine
