// NameTable: names of functions, from the module's name section.
//
// Shape    u32 name_count
//          Entry[name_count]   sorted by function
//          bytes               the names: UTF-8, chosen by the tenant (escape them before printing)
// Life     Refers to bytes of an artifact, which must outlive it; paged in when a name is asked for.
// Threads  Immutable.  Signal-safe.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tidepool::engine {

class NameTable {
 public:
  struct Entry {
    uint32_t function;      // Index in the module, imports first.
    uint32_t offset_bytes;  // From the end of the entries.
    uint32_t name_bytes;
  };

  NameTable() = default;
  // Nonsense becomes an empty table.
  explicit NameTable(absl::Span<const uint8_t> bytes);

  uint32_t name_count() const { return name_count_; }
  // Empty for a function without a name.
  absl::string_view Find(uint32_t function) const;

 private:
  const uint8_t* entries_ = nullptr;
  uint32_t name_count_ = 0;
  absl::Span<const uint8_t> strings_;
};

}  // namespace tidepool::engine
