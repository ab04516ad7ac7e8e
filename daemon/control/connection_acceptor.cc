#include "daemon/control/connection_acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "engine/platform/syscall_error.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

absl::Status Watch(int epoll, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) return SyscallError("epoll_ctl", "add");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ConnectionAcceptor>> ConnectionAcceptor::Start(UniqueFd listening,
                                                                              Options options) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return SyscallError("epoll_create1", "accept loop");
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return SyscallError("eventfd", "accept loop");
  TP_RETURN_IF_ERROR(Watch(epoll.get(), wake.get(), EPOLLIN));
  TP_RETURN_IF_ERROR(Watch(epoll.get(), listening.get(), EPOLLIN));
  return std::unique_ptr<ConnectionAcceptor>(new ConnectionAcceptor(
      std::move(listening), std::move(epoll), std::move(wake), std::move(options)));
}

ConnectionAcceptor::ConnectionAcceptor(UniqueFd listening,
                                       UniqueFd epoll,
                                       UniqueFd wake,
                                       Options options)
    : options_(std::move(options)),
      own_uid_(::geteuid()),
      epoll_(std::move(epoll)),
      wake_(std::move(wake)),
      listening_(std::move(listening)),
      thread_([this] { Loop(); }) {}

ConnectionAcceptor::~ConnectionAcceptor() {
  stop_ = true;
  ::eventfd_write(wake_.get(), 1);
  thread_.join();
}

void ConnectionAcceptor::StopAccepting() {
  stop_accepting_ = true;
  ::eventfd_write(wake_.get(), 1);
  accepting_ended_.wait(false);
}

AcceptorStats ConnectionAcceptor::stats() const {
  return {.accepted = accepted_,
          .refused_by_peer = refused_by_peer_,
          .refused_by_cap = refused_by_cap_,
          .open = open_};
}

void ConnectionAcceptor::Loop() {
  ::pthread_setname_np(::pthread_self(), "grpc-accept");
  while (!stop_) {
    epoll_event events[64];
    const int count = ::epoll_wait(epoll_.get(), events, 64, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == wake_.get()) {
        uint64_t ignored;
        ::eventfd_read(wake_.get(), &ignored);
      } else if (fd == listening_.get()) {
        AcceptAll();
      } else if ((events[i].events & (EPOLLHUP | EPOLLERR)) != 0 && watched_.erase(fd) != 0) {
        --open_;
      }
    }
    if (stop_accepting_ && listening_.valid()) {
      listening_ = UniqueFd();
      accepting_ended_ = true;
      accepting_ended_.notify_all();
    }
  }
}

void ConnectionAcceptor::AcceptAll() {
  for (;;) {
    UniqueFd connection(
        ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection.valid()) {
      AcceptOne(std::move(connection));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    // Out of descriptors: the connection stays in the queue, and epoll would say so again at once.
    if (errno == EMFILE || errno == ENFILE) ::usleep(10'000);
    return;
  }
}

bool ConnectionAcceptor::MayConnect(int fd) const {
  if (!options_.check_peer) return true;
  ucred peer{};
  socklen_t bytes = sizeof(peer);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0) return false;
  return peer.uid == 0 || peer.uid == own_uid_;
}

void ConnectionAcceptor::AcceptOne(UniqueFd connection) {
  if (!MayConnect(connection.get())) {
    ++refused_by_peer_;
    return;
  }
  if (open_ >= options_.connections_max) {
    ++refused_by_cap_;
    return;
  }
  UniqueFd watched(::fcntl(connection.get(), F_DUPFD_CLOEXEC, 0));
  // No descriptor to count it by: then it is one too many.
  if (!watched.valid() || !Watch(epoll_.get(), watched.get(), 0).ok()) {
    ++refused_by_cap_;
    return;
  }
  const int on = 1;
  ::setsockopt(
      connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // Not on unix sockets.
  ++open_;
  ++accepted_;
  watched_.emplace(watched.get(), std::move(watched));
  options_.hand_over(connection.release());
}

}  // namespace tidepool::daemon
