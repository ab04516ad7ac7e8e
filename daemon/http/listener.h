// Listener: the data plane's door on one worker: its own socket on the shared port (SO_REUSEPORT),
// and the sessions that came through it.
//
// Life     Created on a worker before or while it runs; StopAccepting → sessions end → destroyed
//          after its worker's thread has ended, or on it.
// Threads  The worker's, but for what HttpDoor calls by Post.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "daemon/http/door_limits.h"
#include "daemon/http/session.h"
#include "daemon/invoke/worker.h"

namespace tidepool::daemon {

// What the listeners of one door share.  Thread-safe.
class DoorCounts {
 public:
  // False: too many.  An empty address is not counted: loopback.
  bool TryAdd(const std::string& address, const DoorLimits& limits) ABSL_LOCKS_EXCLUDED(mutex_);
  void Remove(const std::string& address) ABSL_LOCKS_EXCLUDED(mutex_);
  uint64_t connections() const { return connections_.Get(); }

 private:
  BoundedCount connections_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, uint64_t> by_address_ ABSL_GUARDED_BY(mutex_);
};

struct ListenerOptions {
  DoorLimits limits;
  bool sandbox_function_origin = true;
  HostLedger* ledger = nullptr;
};

class Listener {
 public:
  // `endpoint` with its final port.
  static absl::StatusOr<std::unique_ptr<Listener>> Listen(
      Worker& worker, DoorCounts& counts, const boost::asio::ip::tcp::endpoint& endpoint,
      const ListenerOptions& options);
  ~Listener();

  boost::asio::ip::tcp::endpoint endpoint() const { return endpoint_; }
  void Accept();
  // Takes in who waits already, then closes the socket; sessions go on to the end of their request.
  void StopAccepting();
  void CloseAll();
  size_t session_count() const { return sessions_.size(); }

  // For sessions.
  Worker& worker() { return worker_; }
  const ListenerOptions& options() const { return options_; }
  void Remove(Session& session, const std::string& counted_address);

 private:
  Listener(Worker& worker, DoorCounts& counts, const ListenerOptions& options);
  void OnAccepted(boost::asio::ip::tcp::socket socket);
  void ArmSweep();
  void Sweep();

  Worker& worker_;
  DoorCounts& counts_;
  const ListenerOptions options_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::ip::tcp::endpoint endpoint_;
  boost::asio::steady_timer sweep_timer_;
  boost::asio::steady_timer retry_timer_;
  std::list<std::shared_ptr<Session>> sessions_;
  bool sweep_is_armed_ = false;
  bool is_draining_ = false;
};

}  // namespace tidepool::daemon
