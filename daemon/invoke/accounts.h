// Accounts: what each tenant and function uses at this moment, counted over all workers.
//
// Life     Made at first use and kept: a tenant's id is never used again, and an account is small.
// Threads  Accounts thread-safe; AccountBook thread-safe, with a lock; a worker keeps what it found
//          in an AccountCache of its own, without one.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "daemon/invoke/rate_gate.h"
#include "daemon/invoke/waiter_set.h"

namespace tidepool::daemon {

// A count that never exceeds what the caller allows.
class BoundedCount {
 public:
  bool TryAdd(uint64_t amount, uint64_t allowed) {
    uint64_t now = value_.load(std::memory_order_relaxed);
    do {
      if (amount > allowed || now > allowed - amount) return false;
    } while (!value_.compare_exchange_weak(now, now + amount, std::memory_order_seq_cst));
    return true;
  }
  void Subtract(uint64_t amount) { value_.fetch_sub(amount, std::memory_order_seq_cst); }
  uint64_t Get() const { return value_.load(std::memory_order_seq_cst); }

 private:
  std::atomic<uint64_t> value_{0};
};

// What tenants and functions have alike.
struct UsageAccount {
  BoundedCount running;         // Instances held: running, ready, suspended.
  BoundedCount queued;          // Requests waiting for one.
  BoundedCount buffered_bytes;  // Of bodies being read or waiting.
  RateGate rate;
};

struct FunctionAccount : UsageAccount {
  std::string name;
};

struct alignas(64) TenantAccount : UsageAccount {
  uint64_t id = 0;
  std::string name;
  WaiterSet waiters;  // Workers with requests that wait for `running` to fall.
};

class AccountBook {
 public:
  TenantAccount* FindTenant(uint64_t id, absl::string_view name) ABSL_LOCKS_EXCLUDED(mutex_);
  FunctionAccount* FindFunction(uint64_t tenant_id, absl::string_view function)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  absl::Mutex mutex_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<TenantAccount>> tenants_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::pair<uint64_t, std::string>, std::unique_ptr<FunctionAccount>>
      functions_ ABSL_GUARDED_BY(mutex_);
};

// One thread at a time: its worker.
class AccountCache {
 public:
  explicit AccountCache(AccountBook& book) : book_(book) {}
  struct Pair {
    TenantAccount* tenant;
    FunctionAccount* function;
  };
  Pair Find(uint64_t tenant_id, absl::string_view tenant, absl::string_view function);

 private:
  struct Entry {
    TenantAccount* tenant = nullptr;
    absl::flat_hash_map<std::string, FunctionAccount*> functions;
  };
  AccountBook& book_;
  absl::flat_hash_map<uint64_t, Entry> entries_;
};

}  // namespace tidepool::daemon
