// Admission hands out the right to wait (Ticket) and the right to run (Permit).
//
//   Admit ─Ticket→ Buffer… (the body) → Enqueue ─(queued)→ Acquire ─Permit→ runs
//     TENANT_RATE   REQUEST_TOO_LARGE    TENANT_CONCURRENCY   refused: stays queued
//     DRAINING      TENANT_QUEUE_FULL    TENANT_QUEUE_FULL
//     REQUEST_TOO_  HOST_CAPACITY        HOST_QUEUE_FULL
//       LARGE
//
// Each gives back what it holds when it goes: a Ticket its buffered bytes and its place in the
// queue, a Permit its share of the concurrency, waking workers whose requests wait for it.
//
// Life     The parts (HostLedger, accounts) outlive tickets and permits.
// Threads  Tickets and permits: one thread at a time.  HostLedger: thread-safe.
// Source   service.md, "The way in".
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <variant>

#include "daemon/invoke/accounts.h"
#include "daemon/invoke/host_budget.h"
#include "daemon/invoke/invoker.h"
#include "daemon/invoke/router.h"
#include "daemon/tenants/limits.h"

namespace tidepool::daemon {

// What all workers share; the only thing they do.
struct HostLedger {
  struct Limits {
    uint64_t memory_bytes = 0;
    uint64_t buffered_body_bytes_max = 0;
    uint64_t queued_max = 0;
  };
  explicit HostLedger(const Limits& given) : limits(given), budget(given.memory_bytes) {}

  const Limits limits;
  HostBudget budget;
  BoundedCount buffered_body_bytes;
  BoundedCount queued;
  AccountBook accounts;
  std::atomic<bool> draining{false};
  // Make a worker look at its queue again.  Set once, before the workers run.
  std::function<void(uint32_t worker)> wake_for_concurrency = [](uint32_t) {};
  std::function<void(uint32_t worker)> wake_for_capacity = [](uint32_t) {};
};

class [[nodiscard]] Ticket {
 public:
  Ticket(HostLedger& host, AccountCache::Pair accounts, Route route);
  Ticket(Ticket&& other) noexcept;
  Ticket& operator=(Ticket&&) = delete;
  ~Ticket();

  // Before `bytes` more of the body are kept.  Nothing: go on.
  std::optional<Failure> Buffer(uint64_t bytes);
  // A place in the queue.  `could_run`: the caller found nothing in its way, so that the request
  // waits only if the pool has no room; then a queue of size 0 is no obstacle.
  std::optional<Failure> Enqueue(bool could_run);
  // It left the queue.
  void LeaveQueue();

  const Route& route() const { return route_; }
  const Limits& limits() const { return *route_.limits; }
  const AccountCache::Pair& accounts() const { return accounts_; }
  uint64_t buffered_bytes() const { return buffered_bytes_; }
  // The body's memory was given to the guest, or thrown away.
  void ReleaseBuffer();

 private:
  HostLedger* host_;  // Null once moved from.
  AccountCache::Pair accounts_;
  Route route_;
  uint64_t buffered_bytes_ = 0;
  bool queued_ = false;
};

// Checks rate and declared size.  `declared_bytes`: Content-Length, when there was one.
std::variant<Ticket, Failure> Admit(HostLedger& host, AccountCache& accounts, Route route,
                                    std::optional<uint64_t> declared_bytes, uint64_t now_ns);

class [[nodiscard]] Permit {
 public:
  // Nothing when tenant or function run as many as they may.
  static std::optional<Permit> TryAcquire(HostLedger& host, const Ticket& ticket);
  // The same, and marks `worker` to be woken when that changes.
  static std::optional<Permit> AcquireOrMark(HostLedger& host, const Ticket& ticket,
                                             uint32_t worker);
  Permit(Permit&& other) noexcept
      : host_(std::exchange(other.host_, nullptr)), accounts_(other.accounts_) {}
  Permit& operator=(Permit&&) = delete;
  ~Permit();

 private:
  Permit(HostLedger* host, AccountCache::Pair accounts) : host_(host), accounts_(accounts) {}
  HostLedger* host_;
  AccountCache::Pair accounts_;
};

}  // namespace tidepool::daemon
