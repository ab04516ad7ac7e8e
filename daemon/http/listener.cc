#include "daemon/http/listener.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/invoke/failure.h"
#include "daemon/telemetry/log.h"

namespace tidepool::daemon {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int kBacklog = 4096;
constexpr auto kAcceptRetry = std::chrono::milliseconds(100);

absl::Status Failed(absl::string_view call, const tcp::endpoint& endpoint,
                    const error_code& error) {
  return absl::UnavailableError(absl::StrCat(call, " ", endpoint.address().to_string(), ":",
                                             endpoint.port(), ": ", error.message()));
}

// Often enough that a limit is passed by a tenth of it at most.
std::chrono::nanoseconds SweepPeriod(const DoorLimits& limits) {
  const uint64_t shortest = std::min({limits.header_timeout_ns, limits.body_timeout_ns,
                                      limits.write_timeout_ns, limits.idle_timeout_ns});
  return std::chrono::nanoseconds(
      std::clamp<uint64_t>(shortest / 10, 10'000'000, 1'000'000'000));
}

}  // namespace

bool DoorCounts::TryAdd(const std::string& address, const DoorLimits& limits) {
  if (!connections_.TryAdd(1, limits.connections_max)) return false;
  if (address.empty()) return true;
  absl::MutexLock lock(&mutex_);
  uint64_t& count = by_address_[address];
  if (count >= limits.connections_per_address_max) {
    connections_.Subtract(1);
    return false;
  }
  ++count;
  return true;
}

void DoorCounts::Remove(const std::string& address) {
  connections_.Subtract(1);
  if (address.empty()) return;
  absl::MutexLock lock(&mutex_);
  const auto it = by_address_.find(address);
  if (it != by_address_.end() && --it->second == 0) by_address_.erase(it);
}

Listener::Listener(Worker& worker, DoorCounts& counts, const ListenerOptions& options)
    : worker_(worker),
      counts_(counts),
      options_(options),
      acceptor_(worker.io()),
      sweep_timer_(worker.io()),
      retry_timer_(worker.io()) {}

Listener::~Listener() { CloseAll(); }

absl::StatusOr<std::unique_ptr<Listener>> Listener::Listen(Worker& worker, DoorCounts& counts,
                                                           const tcp::endpoint& endpoint,
                                                           const ListenerOptions& options) {
  std::unique_ptr<Listener> listener(new Listener(worker, counts, options));
  error_code error;
  tcp::acceptor& acceptor = listener->acceptor_;
  acceptor.open(endpoint.protocol(), error);
  if (error) return Failed("socket", endpoint, error);
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
  acceptor.set_option(ReusePort(true), error);
  if (error) return Failed("setsockopt(SO_REUSEPORT)", endpoint, error);
  acceptor.bind(endpoint, error);
  if (error) return Failed("bind", endpoint, error);
  acceptor.listen(kBacklog, error);
  if (error) return Failed("listen", endpoint, error);
  acceptor.non_blocking(true, error);
  listener->endpoint_ = acceptor.local_endpoint(error);
  listener->Accept();
  return listener;
}

void Listener::Accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
    if (!error) {
      OnAccepted(std::move(socket));
      return Accept();
    }
    // No descriptors left, most likely: some will come back.
    LogWarning("accept: ", error.message());
    retry_timer_.expires_after(kAcceptRetry);
    retry_timer_.async_wait([this](const error_code& stopped) {
      if (!stopped) Accept();
    });
  });
}

void Listener::OnAccepted(tcp::socket socket) {
  error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return;  // It has left already.
  socket.set_option(tcp::no_delay(true), error);
  socket.non_blocking(true, error);
  const std::string address = peer.address().to_string();
  const std::string counted = peer.address().is_loopback() ? "" : address;
  if (!counts_.TryAdd(counted, options_.limits)) {
    const std::string refusal =
        WriteFailure(MakeFailure(Reason::HOST_CAPACITY, "too many connections"),
                     {.keep_alive = false});
    socket.write_some(asio::buffer(refusal), error);
    worker_.CountRejection("", Reason::HOST_CAPACITY);
    return;
  }
  auto session = std::make_shared<Session>(*this, std::move(socket), address, counted);
  sessions_.push_front(session);
  session->place = sessions_.begin();
  session->Start();
  ArmSweep();
}

void Listener::Remove(Session& session, const std::string& counted_address) {
  counts_.Remove(counted_address);
  sessions_.erase(session.place);
}

void Listener::ArmSweep() {
  if (sweep_is_armed_ || sessions_.empty()) return;
  sweep_is_armed_ = true;
  sweep_timer_.expires_after(SweepPeriod(options_.limits));
  sweep_timer_.async_wait([this](const error_code& error) {
    sweep_is_armed_ = false;
    if (!error) Sweep();
  });
}

void Listener::Sweep() {
  const uint64_t now_ns = worker_.clock().MonotonicNs();
  // A copy: sessions leave the list as they end.
  const std::vector<std::shared_ptr<Session>> all(sessions_.begin(), sessions_.end());
  for (const std::shared_ptr<Session>& session : all) session->CheckTime(now_ns);
  ArmSweep();
}

void Listener::StopAccepting() {
  if (is_draining_) return;
  is_draining_ = true;
  error_code error;
  for (;;) {
    tcp::socket socket = acceptor_.accept(error);
    if (error) break;
    OnAccepted(std::move(socket));
  }
  acceptor_.close(error);
  const std::vector<std::shared_ptr<Session>> all(sessions_.begin(), sessions_.end());
  for (const std::shared_ptr<Session>& session : all) session->Drain();
}

void Listener::CloseAll() {
  error_code error;
  acceptor_.close(error);
  const std::vector<std::shared_ptr<Session>> all(sessions_.begin(), sessions_.end());
  for (const std::shared_ptr<Session>& session : all) session->Close();
}

}  // namespace tidepool::daemon
