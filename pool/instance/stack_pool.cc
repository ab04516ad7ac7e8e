#include "pool/instance/stack_pool.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "engine/support/check.h"
#include "engine/support/status_macros.h"
#include "engine/support/units.h"
#include "pool/instance/charges.h"
#include "pool/memory/counter.h"

namespace tidepool::pool {
namespace {

// How many of the last idle stacks are looked at for one of the same tenant.
constexpr size_t kSearchCountMax = 32;

}  // namespace

struct StackPool::Impl {
  struct Stack {
    TenantId tenant = kNoTenant;  // Whose frames it holds; none: it is decommitted.
    uint64_t charged_bytes = 0;   // To that tenant.
  };

  explicit Impl(const StackPoolOptions& given)
      : options(given),
        ops(given.ops != nullptr ? *given.ops : kernel),
        charges(given.budget != nullptr ? *given.budget : unlimited),
        stacks(given.stack_count) {}
  ~Impl() {
    TP_CHECK(leased_count.Get() == 0);  // Stacks come back before their pool goes.
    for (Stack& stack : stacks) charges.Release(stack.tenant, stack.charged_bytes);
    if (base != nullptr) ops.Unmap(base, options.stack_count * stride_bytes());
  }

  uint64_t stride_bytes() const { return options.guard_bytes + options.stack_bytes; }
  uint8_t* BottomOf(uint32_t index) const {
    return base + index * stride_bytes() + options.guard_bytes;
  }

  absl::Status MapStack(uint32_t index) {
    return ops.MapAnonymous(BottomOf(index), options.stack_bytes, Access::kReadWrite);
  }
  // The stack holds nothing afterwards.  Not OK: it is in quarantine.
  absl::Status Decommit(uint32_t index);
  // An idle stack of the tenant, from among the last.
  std::optional<uint32_t> FindIdle(TenantId tenant);
  absl::StatusOr<uint32_t> FindEmpty();

  const StackPoolOptions options;
  KernelMemoryOps kernel;
  UnlimitedBudget unlimited;
  MemoryOps& ops;
  uint8_t* base = nullptr;
  Charges charges;
  std::vector<Stack> stacks;
  std::vector<uint32_t> idle;   // Oldest first.
  std::vector<uint32_t> empty;
  std::vector<uint32_t> quarantine;
  Counter leased_count, idle_count, empty_count, quarantined_count, decommits, decommits_failed;
};

absl::Status StackPool::Impl::Decommit(uint32_t index) {
  Stack& stack = stacks[index];
  const absl::Status status = ops.Discard(BottomOf(index), options.stack_bytes);
  (status.ok() ? decommits : decommits_failed).Add();
  charges.Release(stack.tenant, std::exchange(stack.charged_bytes, 0));
  stack.tenant = kNoTenant;
  if (status.ok()) return status;
  // It still holds a tenant's frames: nobody gets it before it is mapped anew.
  quarantine.push_back(index);
  quarantined_count.Add();
  return status;
}

std::optional<uint32_t> StackPool::Impl::FindIdle(TenantId tenant) {
  const size_t looked_at = std::min(idle.size(), kSearchCountMax);
  for (size_t i = idle.size(); i-- > idle.size() - looked_at;) {
    if (stacks[idle[i]].tenant != tenant) continue;
    const uint32_t index = idle[i];
    idle.erase(idle.begin() + static_cast<ptrdiff_t>(i));
    idle_count.Subtract(1);
    return index;
  }
  return std::nullopt;
}

absl::StatusOr<uint32_t> StackPool::Impl::FindEmpty() {
  if (!empty.empty()) {
    const uint32_t index = empty.back();
    empty.pop_back();
    empty_count.Subtract(1);
    return index;
  }
  while (!idle.empty()) {
    const uint32_t index = idle.front();  // The one that was idle longest.
    idle.erase(idle.begin());
    idle_count.Subtract(1);
    if (Decommit(index).ok()) return index;
  }
  return absl::UnavailableError(absl::StrCat("no stack is free: stack_count=", options.stack_count,
                                             ", ", quarantine.size(), " of them in quarantine"));
}

absl::StatusOr<std::unique_ptr<StackPool>> StackPool::Create(const StackPoolOptions& options) {
  uint64_t bytes = 0;
  if (options.stack_count == 0 || options.stack_count > UINT32_MAX || options.stack_bytes == 0 ||
      options.guard_bytes == 0 || !IsAligned(options.stack_bytes, kHostPageBytes) ||
      !IsAligned(options.guard_bytes, kHostPageBytes) ||
      __builtin_add_overflow(options.stack_bytes, options.guard_bytes, &bytes) ||
      __builtin_mul_overflow(bytes, options.stack_count, &bytes)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "stack_count=", options.stack_count, " stacks of stack_bytes=", options.stack_bytes,
        " and guard_bytes=", options.guard_bytes,
        " must be whole host pages, at least one each, and less than 64 bits together"));
  }
  auto impl = std::make_unique<Impl>(options);
  TP_ASSIGN_OR_RETURN(impl->base, impl->ops.Reserve(bytes));
  for (uint32_t i = static_cast<uint32_t>(options.stack_count); i-- > 0;) {
    TP_RETURN_IF_ERROR(impl->MapStack(i));
    impl->empty.push_back(i);
  }
  TP_RETURN_IF_ERROR(AdvisePooled(impl->ops, impl->base, bytes));
  impl->empty_count.Add(options.stack_count);
  impl->idle.reserve(options.stack_count);
  impl->quarantine.reserve(options.stack_count);
  return absl::WrapUnique(new StackPool(std::move(impl)));
}

StackPool::StackPool(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StackPool::~StackPool() = default;

absl::StatusOr<StackLease> StackPool::Take(TenantId tenant, uint64_t promised_bytes) {
  TP_CHECK(tenant != kNoTenant);
  if (promised_bytes > impl_->options.stack_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("a stack of ", promised_bytes,
                                                     " bytes, the pool's have stack_bytes=",
                                                     impl_->options.stack_bytes));
  }
  std::optional<uint32_t> index = impl_->FindIdle(tenant);
  if (!index.has_value()) {
    TP_ASSIGN_OR_RETURN(index, impl_->FindEmpty());
  }
  Impl::Stack& stack = impl_->stacks[*index];
  // What was promised before may have been touched: the larger promise stays.
  const uint64_t more_bytes = promised_bytes - std::min(promised_bytes, stack.charged_bytes);
  if (!impl_->charges.TryCharge(tenant, more_bytes) &&
      (ReclaimIdle(more_bytes) == 0 || !impl_->charges.TryCharge(tenant, more_bytes))) {
    const bool holds_frames = stack.tenant != kNoTenant;
    (holds_frames ? impl_->idle : impl_->empty).push_back(*index);
    (holds_frames ? impl_->idle_count : impl_->empty_count).Add();
    return absl::UnavailableError(
        absl::StrCat("the memory budget has no room for a stack of ", promised_bytes, " bytes"));
  }
  stack.charged_bytes += more_bytes;
  stack.tenant = tenant;
  impl_->leased_count.Add();
  return StackLease(this, *index);
}

void StackPool::GiveBack(uint32_t index) {
  impl_->idle.push_back(index);
  impl_->idle_count.Add();
  impl_->leased_count.Subtract(1);
}

uint64_t StackPool::ReclaimIdle(uint64_t bytes) {
  const uint64_t before = impl_->charges.total_bytes();
  const auto reclaimed = [&] { return before - impl_->charges.total_bytes(); };
  while (reclaimed() < bytes && !impl_->idle.empty()) {
    const uint32_t index = impl_->idle.front();
    impl_->idle.erase(impl_->idle.begin());
    impl_->idle_count.Subtract(1);
    if (!impl_->Decommit(index).ok()) continue;
    impl_->empty.push_back(index);
    impl_->empty_count.Add();
  }
  return reclaimed();
}

uint64_t StackPool::RepairQuarantined() {
  uint64_t repaired = 0;
  for (size_t i = impl_->quarantine.size(); i-- > 0;) {
    const uint32_t index = impl_->quarantine[i];
    if (!impl_->MapStack(index).ok() ||
        !AdvisePooled(impl_->ops, impl_->BottomOf(index), impl_->options.stack_bytes).ok()) {
      continue;
    }
    impl_->quarantine.erase(impl_->quarantine.begin() + static_cast<ptrdiff_t>(i));
    impl_->quarantined_count.Subtract(1);
    impl_->empty.push_back(index);
    impl_->empty_count.Add();
    ++repaired;
  }
  return repaired;
}

StackStats StackPool::stats() const {
  return StackStats{.total = impl_->options.stack_count,
                    .leased = impl_->leased_count.Get(),
                    .idle = impl_->idle_count.Get(),
                    .empty = impl_->empty_count.Get(),
                    .quarantined = impl_->quarantined_count.Get(),
                    .decommits = impl_->decommits.Get(),
                    .decommits_failed = impl_->decommits_failed.Get()};
}

StackLease::~StackLease() {
  if (pool_ != nullptr) pool_->GiveBack(index_);
}

uint8_t* StackLease::bottom() const { return pool_->impl_->BottomOf(index_); }
uint8_t* StackLease::top() const { return bottom() + pool_->impl_->options.stack_bytes; }

}  // namespace tidepool::pool
