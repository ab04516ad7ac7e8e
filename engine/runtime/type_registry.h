// TypeRegistry gives equal function types of all modules the same number, for call_indirect.
//
// Types with references to other types of their module (typed function references, GC) get numbers by
// recursive group once those features exist; until then a type is its list of value types.
//
// Threads  Thread-safe.  Numbers are counted by reference and given back with the module.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "engine/support/mutex.h"
#include "absl/types/span.h"
#include "engine/wasm/types.h"

namespace tidepool::engine {

class TypeRegistry {
 public:
  // One number per type, in order; each counts one reference more.
  std::vector<uint32_t> Register(absl::Span<const wasm::FunctionType> types);
  void Release(absl::Span<const uint32_t> ids);
  size_t type_count();

 private:
  struct Entry {
    uint32_t id;
    uint64_t references;
  };
  Mutex mutex_;
  absl::flat_hash_map<std::vector<uint32_t>, Entry> by_type_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<uint32_t, std::vector<uint32_t>> by_id_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint32_t> free_ids_ ABSL_GUARDED_BY(mutex_);
  uint32_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;  // 0 is no type.
};

}  // namespace tidepool::engine
