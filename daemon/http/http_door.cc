#include "daemon/http/http_door.h"

#include "absl/synchronization/blocking_counter.h"
#include "absl/time/clock.h"
#include "daemon/http/loopback_address.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {

absl::StatusOr<std::unique_ptr<HttpDoor>> HttpDoor::Listen(const Options& options,
                                                           DataPlane& plane) {
  TP_ASSIGN_OR_RETURN(boost::asio::ip::tcp::endpoint endpoint,
                      ParseLoopbackAddress("listen.http", options.address));
  std::unique_ptr<HttpDoor> door(new HttpDoor);
  const ListenerOptions listener_options{.limits = options.limits,
                                         .sandbox_function_origin = options.sandbox_function_origin,
                                         .ledger = &plane.ledger()};
  for (uint32_t i = 0; i < plane.worker_count(); ++i) {
    TP_ASSIGN_OR_RETURN(
        std::unique_ptr<Listener> listener,
        Listener::Listen(plane.worker(i), door->counts_, endpoint, listener_options));
    endpoint = listener->endpoint();  // The others share the port the first one got.
    door->listeners_.push_back(std::move(listener));
  }
  door->address_ = AddressText(endpoint);
  return door;
}

void HttpDoor::OnEachListener(const std::function<void(Listener&)>& function) {
  absl::BlockingCounter left(static_cast<int>(listeners_.size()));
  for (const std::unique_ptr<Listener>& listener : listeners_) {
    listener->worker().Post([&, listener = listener.get()] {
      function(*listener);
      left.DecrementCount();
    });
  }
  left.Wait();
}

void HttpDoor::StopAccepting() {
  OnEachListener([](Listener& listener) { listener.StopAccepting(); });
}

bool HttpDoor::AwaitClosed(absl::Duration timeout) {
  const absl::Time until = absl::Now() + timeout;
  while (counts_.connections() > 0) {
    if (absl::Now() >= until) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

void HttpDoor::CloseAll() {
  OnEachListener([](Listener& listener) { listener.CloseAll(); });
}

}  // namespace tidepool::daemon
