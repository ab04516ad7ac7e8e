// DescriptorTable: a guest's descriptor numbers.  The lowest free number is given out, as in POSIX.
//
// Threads  One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/wasi/descriptor.h"
#include "engine/wasi/errno.h"

namespace tidepool::engine::wasi {

class DescriptorTable {
 public:
  // Null: no such descriptor.  The pointer is good until that number is closed or renumbered.
  Descriptor* Find(uint32_t number);
  // kMfile: kDescriptorsMax are open.
  Errno Add(Descriptor descriptor, uint32_t* number);
  Errno Close(uint32_t number);
  // `from` becomes `to`, whose descriptor closes.  kBadf: one of them is not open.
  Errno Renumber(uint32_t from, uint32_t to);
  bool full() const;

 private:
  // By number; null: free.  Each on the heap, so that a Descriptor* outlives growth of the table.
  std::vector<std::unique_ptr<Descriptor>> slots_;
  uint32_t open_count_ = 0;
};

}  // namespace tidepool::engine::wasi
