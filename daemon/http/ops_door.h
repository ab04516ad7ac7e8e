// OpsDoor: health, readiness, metrics and version over HTTP, on a thread of its own, so that it
// answers when the workers are busy.
//
//   /healthz   200 while every part is alive         /metrics   Prometheus text
//   /readyz    200 while requests are welcome        /version   JSON
//
// Life     Listen starts it; the destructor ends it.
// Threads  The callbacks run on its thread; SetReady: any.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "daemon/http/door_limits.h"

namespace tidepool::daemon {

class OpsDoor {
 public:
  struct Options {
    std::string address;
    DoorLimits limits;
    std::function<std::string()> metrics;
    std::function<bool()> is_healthy;
    std::string version_json;
  };
  static absl::StatusOr<std::unique_ptr<OpsDoor>> Listen(Options options);
  ~OpsDoor();

  const std::string& address() const { return address_; }
  void SetReady(bool ready) { is_ready_.store(ready); }

 private:
  class Connection;
  explicit OpsDoor(Options options);
  void Accept();
  std::string Answer(absl::string_view method, absl::string_view target, bool keep_alive) const;

  const Options options_;
  uint32_t connection_count_ = 0;  // Before io_, which ends the connections.
  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::acceptor acceptor_{io_};
  std::string address_;
  std::atomic<bool> is_ready_{false};
  std::thread thread_;
};

}  // namespace tidepool::daemon
