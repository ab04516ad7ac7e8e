// HttpDoor: the data plane over HTTP: one listener per worker on one port.
//
// Life     Listen before the DataPlane starts → StopAccepting → AwaitClosed → CloseAll →
//          DataPlane::Stop → destructor.
// Threads  Thread-safe after Listen.
// Errors   InvalidArgument: the address.  Unavailable: it is taken.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/http/door_limits.h"
#include "daemon/http/listener.h"
#include "daemon/invoke/data_plane.h"

namespace tidepool::daemon {

class HttpDoor {
 public:
  struct Options {
    std::string address;  // "127.0.0.1:8080"; port 0 takes a free one.
    DoorLimits limits;
    bool sandbox_function_origin = true;
  };
  static absl::StatusOr<std::unique_ptr<HttpDoor>> Listen(const Options& options,
                                                          DataPlane& plane);

  const std::string& address() const { return address_; }  // With the port it got.
  uint64_t connections() const { return counts_.connections(); }
  // No new connections; idle ones close, the others after the answer in hand.
  void StopAccepting();
  // False: some connection is still open when `timeout` has passed.
  bool AwaitClosed(absl::Duration timeout);
  void CloseAll();

 private:
  HttpDoor() = default;
  void OnEachListener(const std::function<void(Listener&)>& function);

  DoorCounts counts_;
  std::string address_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace tidepool::daemon
