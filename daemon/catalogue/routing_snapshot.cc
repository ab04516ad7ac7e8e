#include "daemon/catalogue/routing_snapshot.h"

#include "engine/support/check.h"

namespace tidepool::daemon {

void SnapshotPublisher::Publish(std::shared_ptr<const RoutingSnapshot> snapshot) {
  std::shared_ptr<const RoutingSnapshot> old;  // Dropped outside the lock: it may be the last.
  absl::MutexLock lock(&mutex_);
  TP_CHECK(snapshot != nullptr);
  TP_CHECK(snapshot_ == nullptr || snapshot->version > snapshot_->version);
  old = std::exchange(snapshot_, std::move(snapshot));
  // Relaxed: whoever sees the number takes the lock, and that orders the rest.
  version_.store(snapshot_->version, std::memory_order_relaxed);
}

void SnapshotPublisher::Refresh(std::shared_ptr<const RoutingSnapshot>& held) {
  const uint64_t held_version = held == nullptr ? 0 : held->version;
  if (version_.load(std::memory_order_relaxed) == held_version) return;
  std::shared_ptr<const RoutingSnapshot> newer;
  {
    absl::MutexLock lock(&mutex_);
    newer = snapshot_;
  }
  held = std::move(newer);
}

}  // namespace tidepool::daemon
