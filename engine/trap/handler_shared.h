// What the inside and the outside of the trap handler share.  Not included outside this folder.
//
// The list of code regions is an immutable sorted array behind one pointer: readers (a signal
// handler, anywhere) search it, writers replace it.  A writer may free the old array once no reader
// can still hold it.  Readers tell by counting themselves into one of two counters, which one the
// epoch says; a writer turns the epoch after it has published, and waits until the counter of the
// old epoch is 0.  A reader never waits.
//
// Source   The idea is that of sleepable RCU in Linux (McKenney, 2006).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/trap/trap_handler.h"

namespace tidepool::engine::trap {

struct CodeRegionList {
  size_t count;
  CodeRegion* regions;  // Sorted by begin, apart.
};

// Holds the current list from construction to destruction.  Signal-safe.
class ListReader {
 public:
  ListReader();
  ~ListReader();
  ListReader(const ListReader&) = delete;
  ListReader& operator=(const ListReader&) = delete;

  // Null when `pc` lies in no region.  Valid as long as the reader.
  const CodeRegion* Find(uintptr_t pc) const;

 private:
  uint32_t epoch_;
  const CodeRegionList* list_;
};

// Makes `next` the current list and returns the one before, which no reader holds any more.  One
// writer at a time.
const CodeRegionList* ExchangeList(const CodeRegionList* next);
// For the writer.
const CodeRegionList* CurrentList();

struct HandlerState {
  std::atomic<bool (*)(uintptr_t) noexcept> is_guest_memory;
  std::atomic<void (*)()> raise_fault;
  std::atomic<FirstWriteHook> first_write;
};
extern HandlerState g_handler;

}  // namespace tidepool::engine::trap
