#include "daemon/invoke/admission.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "daemon/invoke/failure.h"

namespace tidepool::daemon {
namespace {

Failure TooLarge(const Limits& limits, uint64_t bytes) {
  return LimitFailure(Reason::REQUEST_TOO_LARGE, LimitName::kRequestBody, limits, bytes);
}

// A function's own limit counts only where it is tighter than its tenant's, which counts anyway.
bool IsTighter(const Route& route, LimitName name) {
  return route.limits->Get(name) < route.tenant->limits->Get(name);
}

std::optional<Failure> PassRate(UsageAccount& account, const Limits& limits, uint64_t now_ns) {
  const uint64_t rate = limits.Get(LimitName::kRate);
  if (rate == kLimitOff) return std::nullopt;
  const uint64_t wait_ns = account.rate.TryPass(rate, now_ns);
  if (wait_ns == 0) return std::nullopt;
  Failure failure = LimitFailure(Reason::TENANT_RATE, LimitName::kRate, limits, rate + 1);
  failure.limit->used = "more";
  failure.retry_after = absl::Nanoseconds(wait_ns);
  return failure;
}

std::optional<Failure> CheckRate(const AccountCache::Pair& accounts, const Route& route,
                                 uint64_t now_ns) {
  if (IsTighter(route, LimitName::kRate)) {
    if (auto failure = PassRate(*accounts.function, *route.limits, now_ns)) return failure;
  }
  return PassRate(*accounts.tenant, *route.tenant->limits, now_ns);
}

}  // namespace

std::variant<Ticket, Failure> Admit(HostLedger& host, AccountCache& accounts, Route route,
                                    std::optional<uint64_t> declared_bytes, uint64_t now_ns) {
  if (host.draining.load(std::memory_order_relaxed)) return MakeFailure(Reason::DRAINING);
  const AccountCache::Pair pair =
      accounts.Find(route.tenant->id, route.tenant->name, route.revision->function);
  if (auto failure = CheckRate(pair, route, now_ns)) return *std::move(failure);
  const uint64_t bytes_max = route.limits->Get(LimitName::kRequestBody);
  if (declared_bytes.has_value() && *declared_bytes > bytes_max) {
    return TooLarge(*route.limits, *declared_bytes);
  }
  return Ticket(host, pair, std::move(route));
}

Ticket::Ticket(HostLedger& host, AccountCache::Pair accounts, Route route)
    : host_(&host), accounts_(accounts), route_(std::move(route)) {}

Ticket::Ticket(Ticket&& other) noexcept
    : host_(std::exchange(other.host_, nullptr)),
      accounts_(other.accounts_),
      route_(std::move(other.route_)),
      buffered_bytes_(std::exchange(other.buffered_bytes_, 0)),
      queued_(std::exchange(other.queued_, false)) {}

Ticket::~Ticket() {
  if (host_ == nullptr) return;
  LeaveQueue();
  ReleaseBuffer();
}

std::optional<Failure> Ticket::Buffer(uint64_t bytes) {
  const uint64_t allowed = limits().Get(LimitName::kRequestBody);
  if (bytes > allowed || buffered_bytes_ > allowed - bytes) {
    return TooLarge(limits(), buffered_bytes_ + bytes);
  }
  const Limits& tenant_limits = *route_.tenant->limits;
  if (!accounts_.tenant->buffered_bytes.TryAdd(bytes, tenant_limits.Get(LimitName::kQueueBytes))) {
    return LimitFailure(Reason::TENANT_QUEUE_FULL, LimitName::kQueueBytes, tenant_limits,
                        accounts_.tenant->buffered_bytes.Get() + bytes);
  }
  if (!host_->buffered_body_bytes.TryAdd(bytes, host_->limits.buffered_body_bytes_max)) {
    accounts_.tenant->buffered_bytes.Subtract(bytes);
    return MakeFailure(Reason::HOST_CAPACITY, "the host buffers as many request bodies as it may");
  }
  if (!host_->budget.TryCharge(bytes)) {
    accounts_.tenant->buffered_bytes.Subtract(bytes);
    host_->buffered_body_bytes.Subtract(bytes);
    return MakeFailure(Reason::HOST_CAPACITY, "the host's memory budget is used up");
  }
  buffered_bytes_ += bytes;
  return std::nullopt;
}

void Ticket::ReleaseBuffer() {
  if (buffered_bytes_ == 0) return;
  accounts_.tenant->buffered_bytes.Subtract(buffered_bytes_);
  host_->buffered_body_bytes.Subtract(buffered_bytes_);
  host_->budget.Release(buffered_bytes_);
  buffered_bytes_ = 0;
  host_->budget.waiters().WakeAll(host_->wake_for_capacity);
}

std::optional<Failure> Ticket::Enqueue(bool could_run) {
  const Limits& tenant_limits = *route_.tenant->limits;
  // A place for the one that could run at once: the queue's size is about waiting for concurrency.
  const uint64_t extra = could_run ? 1 : 0;
  const uint64_t tenant_max = tenant_limits.Get(LimitName::kQueue);
  const uint64_t function_max = limits().Get(LimitName::kQueue);
  if (!could_run && std::min(tenant_max, function_max) == 0) {
    const Limits& limits_of_it =
        IsTighter(route_, LimitName::kConcurrency) ? limits() : tenant_limits;
    return LimitFailure(Reason::TENANT_CONCURRENCY, LimitName::kConcurrency, limits_of_it,
                        limits_of_it.Get(LimitName::kConcurrency));
  }
  if (!accounts_.tenant->queued.TryAdd(1, tenant_max + extra)) {
    return LimitFailure(Reason::TENANT_QUEUE_FULL, LimitName::kQueue, tenant_limits, tenant_max);
  }
  if (!accounts_.function->queued.TryAdd(1, function_max + extra)) {
    accounts_.tenant->queued.Subtract(1);
    return LimitFailure(Reason::TENANT_QUEUE_FULL, LimitName::kQueue, limits(), function_max);
  }
  if (!host_->queued.TryAdd(1, host_->limits.queued_max)) {
    accounts_.tenant->queued.Subtract(1);
    accounts_.function->queued.Subtract(1);
    return MakeFailure(Reason::HOST_QUEUE_FULL);
  }
  queued_ = true;
  return std::nullopt;
}

void Ticket::LeaveQueue() {
  if (!queued_) return;
  queued_ = false;
  accounts_.tenant->queued.Subtract(1);
  accounts_.function->queued.Subtract(1);
  host_->queued.Subtract(1);
}

std::optional<Permit> Permit::TryAcquire(HostLedger& host, const Ticket& ticket) {
  const AccountCache::Pair accounts = ticket.accounts();
  const uint64_t tenant_max = ticket.route().tenant->limits->Get(LimitName::kConcurrency);
  const uint64_t function_max = ticket.limits().Get(LimitName::kConcurrency);
  if (!accounts.function->running.TryAdd(1, function_max)) return std::nullopt;
  if (!accounts.tenant->running.TryAdd(1, tenant_max)) {
    accounts.function->running.Subtract(1);
    return std::nullopt;
  }
  return Permit(&host, accounts);
}

std::optional<Permit> Permit::AcquireOrMark(HostLedger& host, const Ticket& ticket,
                                            uint32_t worker) {
  std::optional<Permit> permit = TryAcquire(host, ticket);
  if (permit.has_value()) return permit;
  ticket.accounts().tenant->waiters.Mark(worker);
  return TryAcquire(host, ticket);
}

Permit::~Permit() {
  if (host_ == nullptr) return;
  accounts_.tenant->running.Subtract(1);
  accounts_.function->running.Subtract(1);
  accounts_.tenant->waiters.WakeAll(host_->wake_for_concurrency);
}

}  // namespace tidepool::daemon
