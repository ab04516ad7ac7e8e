// ConnectionAcceptor: accepts for gRPC, which by itself neither tells who connects nor counts.
//
//   listening socket ─accept─► peer allowed? under the cap? ─fd─► gRPC
//                                                            └ a second descriptor stays here: its
//                                                              hang-up says that gRPC is done with
//                                                              it
//
// gRPC shuts a socket down before it closes it, and epoll reports the hang-up of a socket without
// being asked for any event; so the second descriptor costs nothing while data flows.
//
// Life     Start → StopAccepting → destructor (ends the thread).
// Threads  One thread of its own; the calls are thread-safe.
// Source   unix(7) SO_PEERCRED; epoll_ctl(2) EPOLLHUP.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

#include "engine/platform/unique_fd.h"

namespace tidepool::daemon {

struct AcceptorStats {
  uint64_t accepted = 0;
  uint64_t refused_by_peer = 0;  // Not a uid that may connect.
  uint64_t refused_by_cap = 0;
  uint64_t open = 0;
};

class ConnectionAcceptor {
 public:
  struct Options {
    uint32_t connections_max = 1;
    bool check_peer = false;  // Unix sockets: only uid 0 and our own effective uid.
    // Gets each accepted descriptor, and owns it.
    std::function<void(int fd)> hand_over;
  };
  static absl::StatusOr<std::unique_ptr<ConnectionAcceptor>> Start(UniqueFd listening,
                                                                   Options options);
  ~ConnectionAcceptor();

  // Closes the listening socket; connections stay.  Returns when no hand-over is running.
  void StopAccepting();
  AcceptorStats stats() const;

 private:
  ConnectionAcceptor(UniqueFd listening, UniqueFd epoll, UniqueFd wake, Options options);
  void Loop();
  void AcceptAll();
  void AcceptOne(UniqueFd connection);
  bool MayConnect(int fd) const;

  // Constant after construction.
  const Options options_;
  const uid_t own_uid_;
  const UniqueFd epoll_;
  const UniqueFd wake_;

  // The thread's own.
  UniqueFd listening_;
  absl::flat_hash_map<int, UniqueFd> watched_;

  // Thread-safe by itself.
  std::atomic<bool> stop_accepting_{false};
  std::atomic<bool> accepting_ended_{false};
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> accepted_{0};
  std::atomic<uint64_t> refused_by_peer_{0};
  std::atomic<uint64_t> refused_by_cap_{0};
  std::atomic<uint64_t> open_{0};

  std::thread thread_;
};

}  // namespace tidepool::daemon
