// Scheduler: whose turn it is on one worker.  Round robin between tenants, first come first served
// within each, for requests that wait and for fibers that are ready.
//
//   ReadyQueue    fibers that want the thread; each turn is one slice
//   WaitingQueue  requests that want concurrency, memory and a slot, each with a deadline
//
// Threads  One thread at a time: the worker's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace tidepool::daemon {

// T is an Invocation; a template so that tests can queue numbers.
template <typename T>
class ReadyQueue {
 public:
  bool empty() const { return count_ == 0; }
  uint64_t count() const { return count_; }

  void Push(uint64_t tenant, T item) {
    std::unique_ptr<Lane>& lane = lanes_[tenant];
    if (lane == nullptr) lane = std::make_unique<Lane>();
    if (lane->items.empty()) turns_.push_back(lane.get());
    lane->items.push_back(std::move(item));
    ++count_;
  }
  // Not when empty.
  T Pop() {
    Lane* lane = turns_.front();
    turns_.pop_front();
    T item = std::move(lane->items.front());
    lane->items.pop_front();
    if (!lane->items.empty()) turns_.push_back(lane);
    --count_;
    return item;
  }

 private:
  struct Lane {
    std::deque<T> items;
  };
  // Lanes stay when they are empty: tenants come back, and their number is the operator's.
  absl::flat_hash_map<uint64_t, std::unique_ptr<Lane>> lanes_;
  std::deque<Lane*> turns_;
  uint64_t count_ = 0;
};

// What a waiting request is queued by.  T derives from it.
struct WaitingEntry {
  uint64_t tenant = 0;
  const void* function = nullptr;  // Told apart, never followed.
  uint64_t deadline_ns = 0;
  uint64_t arrival = 0;            // Set by the queue.
};

template <typename T>
class WaitingQueue {
 public:
  bool empty() const { return deadlines_.empty(); }
  uint64_t count() const { return deadlines_.size(); }

  bool HasTenant(uint64_t tenant) const { return tenants_.contains(tenant); }

  void Add(T* entry) {
    entry->arrival = ++arrivals_;
    LaneOf(*entry).push_back(entry);
    deadlines_.emplace(entry->deadline_ns, entry);
  }
  // One that had its turn in vain: before all others of its function, with its old arrival.
  void AddAgain(T* entry) {
    if (entry->arrival == 0) return Add(entry);
    LaneOf(*entry).push_front(entry);
    deadlines_.emplace(entry->deadline_ns, entry);
  }
  void Remove(T* entry) {
    deadlines_.erase({entry->deadline_ns, entry});
    const auto tenant = tenants_.find(entry->tenant);
    std::list<T*>& lane = tenant->second.lanes[entry->function];
    lane.erase(std::find(lane.begin(), lane.end(), entry));  // Most often the first.
    if (lane.empty()) tenant->second.lanes.erase(entry->function);
    if (!tenant->second.lanes.empty()) return;
    tenants_.erase(tenant);
    turns_.remove(entry->tenant);
  }

  // Offers the first request of each function, tenant by tenant starting with whose turn it is,
  // until `start` takes one (returns true); that one has left the queue, and its tenant is last.
  // False: nobody could be started.
  template <typename Start>
  bool StartNext(Start start) {
    for (const uint64_t tenant : std::vector<uint64_t>(turns_.begin(), turns_.end())) {
      for (T* head : HeadsByArrival(tenant)) {
        if (!start(head)) continue;
        turns_.remove(tenant);
        turns_.push_back(tenant);
        Remove(head);
        return true;
      }
    }
    return false;
  }

  // Those whose deadline is at or before `now_ns`; they have left the queue.
  std::vector<T*> TakeExpired(uint64_t now_ns) {
    std::vector<T*> expired;
    while (!deadlines_.empty() && deadlines_.begin()->first <= now_ns) {
      expired.push_back(deadlines_.begin()->second);
      Remove(expired.back());
    }
    return expired;
  }
  std::vector<T*> TakeAll() { return TakeExpired(UINT64_MAX); }
  // UINT64_MAX when empty.
  uint64_t NextDeadlineNs() const {
    return deadlines_.empty() ? UINT64_MAX : deadlines_.begin()->first;
  }

 private:
  struct Tenant {
    absl::flat_hash_map<const void*, std::list<T*>> lanes;  // By function.
  };

  std::list<T*>& LaneOf(const T& entry) {
    const auto [tenant, is_new] = tenants_.try_emplace(entry.tenant);
    if (is_new) turns_.push_back(entry.tenant);
    return tenant->second.lanes[entry.function];
  }
  std::vector<T*> HeadsByArrival(uint64_t tenant) const {
    std::vector<T*> heads;
    const auto found = tenants_.find(tenant);
    if (found == tenants_.end()) return heads;
    for (const auto& [function, lane] : found->second.lanes) heads.push_back(lane.front());
    std::sort(heads.begin(), heads.end(), [](T* a, T* b) { return a->arrival < b->arrival; });
    return heads;
  }

  absl::flat_hash_map<uint64_t, Tenant> tenants_;
  std::list<uint64_t> turns_;
  std::set<std::pair<uint64_t, T*>> deadlines_;
  uint64_t arrivals_ = 0;
};

}  // namespace tidepool::daemon
