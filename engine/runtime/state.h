// The state area of an instance: put back after use, and proved.
//
// For providers of storage (the pool).  Linear memories are the provider's own affair.  What is put
// back and proved is the state before segments that are not in the image are applied and the start
// function runs; Store::Reinitialize does those again.
//
// Threads  One thread at a time: that of the storage.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "engine/runtime/linker.h"
#include "engine/runtime/module.h"
#include "engine/runtime/store_storage.h"

namespace tidepool::engine {

// Puts back what a guest can have changed: memory sizes, dirty tables (and table memory grown
// into), mutable globals, dropped flags.  In proportion to what was used.  Cannot fail.
void RestoreState(const Module& module, const InstanceStorage& storage);

// Compares the whole state area with what a first instance has, from the module, its imports and the
// addresses of storage, store and instance alone.  OK, or DataLoss naming the region and index
// ("global 3", "table 0 entry 17", "VmContext", "memory 0 size", "data segment 2 flag", "import 5").
absl::Status VerifyState(const Instance& instance, const ImportBindings& imports,
                         const InstanceStorage& storage);

}  // namespace tidepool::engine
