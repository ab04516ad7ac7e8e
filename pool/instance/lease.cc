#include "pool/instance/lease.h"

#include <utility>

#include "engine/support/check.h"
#include "pool/instance/instance_pool.h"
#include "pool/instance/tenancy.h"

namespace tidepool::pool {

Lease::Lease(Lease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)), tenancy_(other.tenancy_) {}

Lease::~Lease() {
  if (pool_ != nullptr) static_cast<void>(End());  // Failures are counted, and quarantine is a state.
}

engine::Store& Lease::store() const {
  TP_DCHECK(pool_ != nullptr);
  return tenancy_->store;
}

engine::Instance& Lease::instance() const {
  TP_DCHECK(pool_ != nullptr);
  return *tenancy_->instance;
}

const std::optional<engine::Trap>& Lease::start_trap() const { return tenancy_->start_trap; }

bool Lease::warm() const { return tenancy_->warm; }

LeaseReceipt Lease::End() {
  TP_CHECK(pool_ != nullptr);  // A lease ends once.
  return std::exchange(pool_, nullptr)->EndLease(*tenancy_);
}

}  // namespace tidepool::pool
