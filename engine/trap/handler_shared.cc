// READ BEFORE CHANGING: all but ExchangeList runs in a signal handler too (see handler_inside.cc).
#include "engine/trap/handler_shared.h"

#include <sched.h>

namespace tidepool::engine::trap {
namespace {

constinit std::atomic<const CodeRegionList*> g_list{nullptr};
constinit std::atomic<uint32_t> g_epoch{0};
constinit std::atomic<uint64_t> g_readers[2] = {0, 0};

}  // namespace

constinit HandlerState g_handler{};

ListReader::ListReader() {
  for (;;) {
    epoch_ = g_epoch.load(std::memory_order_seq_cst);
    g_readers[epoch_].fetch_add(1, std::memory_order_seq_cst);
    // Counted into an epoch that has ended meanwhile, we might be missed by a writer that already
    // looked at this counter; so count again.
    if (g_epoch.load(std::memory_order_seq_cst) == epoch_) break;
    g_readers[epoch_].fetch_sub(1, std::memory_order_seq_cst);
  }
  list_ = g_list.load(std::memory_order_seq_cst);
}

ListReader::~ListReader() { g_readers[epoch_].fetch_sub(1, std::memory_order_seq_cst); }

const CodeRegion* ListReader::Find(uintptr_t pc) const {
  if (list_ == nullptr) return nullptr;
  size_t low = 0;
  size_t high = list_->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const CodeRegion& region = list_->regions[middle];
    if (pc < region.begin) {
      high = middle;
    } else if (pc >= region.end) {
      low = middle + 1;
    } else {
      return &region;
    }
  }
  return nullptr;
}

bool FindCode(uintptr_t pc, CodeRegion* region) {
  const ListReader reader;
  const CodeRegion* found = reader.Find(pc);
  if (found == nullptr) return false;
  *region = *found;
  return true;
}

const CodeRegionList* CurrentList() { return g_list.load(std::memory_order_seq_cst); }

const CodeRegionList* ExchangeList(const CodeRegionList* next) {
  const CodeRegionList* previous = g_list.exchange(next, std::memory_order_seq_cst);
  const uint32_t old_epoch = g_epoch.load(std::memory_order_relaxed);
  g_epoch.store(1 - old_epoch, std::memory_order_seq_cst);
  // Readers of the old epoch are inside a search of a few dozen steps: yielding is enough.
  while (g_readers[old_epoch].load(std::memory_order_seq_cst) != 0) ::sched_yield();
  return previous;
}

}  // namespace tidepool::engine::trap
