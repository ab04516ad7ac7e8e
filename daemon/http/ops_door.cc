#include "daemon/http/ops_door.h"

#include <pthread.h>

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/http/http_mapping.h"
#include "daemon/http/loopback_address.h"
#include "daemon/invoke/failure.h"
#include "daemon/telemetry/log.h"
#include "engine/support/check.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr uint32_t kConnectionsMax = 256;
constexpr auto kConnectionTimeMax = std::chrono::seconds(30);

}  // namespace

// Reads a request, answers, reads the next; 30 s for each.
class OpsDoor::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(OpsDoor& door, tcp::socket socket)
      : door_(door),
        socket_(std::move(socket)),
        timer_(door.io_),
        reader_(door.options_.limits) {
    ++door_.connection_count_;
  }
  ~Connection() { --door_.connection_count_; }

  void Next() {
    timer_.expires_after(kConnectionTimeMax);
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
      error_code ignored;
      if (!error) self->socket_.close(ignored);
    });
    Parse();
  }

 private:
  void Read() {
    socket_.async_read_some(asio::buffer(piece_),
                            [self = shared_from_this()](const error_code& error, size_t bytes) {
                              if (error) return self->End();
                              self->pending_.append(self->piece_.data(), bytes);
                              self->Parse();
                            });
  }
  void Parse() {
    pending_.erase(0, reader_.Put(pending_));
    switch (reader_.state()) {
      case RequestReader::State::kHead:
        // The reader bounds what it waits for.
        return Read();
      case RequestReader::State::kHeadDone: {
        const RequestHead& head = reader_.head();
        keep_alive_ = head.keep_alive && !head.has_body;
        return Write(door_.Answer(head.method, head.target, keep_alive_));
      }
      default:
        keep_alive_ = false;
        return Write(WriteFailure(reader_.failure(), {.keep_alive = false}));
    }
  }
  void Write(std::string response) {
    response_ = std::move(response);
    asio::async_write(socket_, asio::buffer(response_),
                      [self = shared_from_this()](const error_code& error, size_t) {
                        self->timer_.cancel();
                        if (error || !self->keep_alive_) return self->End();
                        self->reader_.Reset();
                        self->Next();
                      });
  }
  void End() {
    timer_.cancel();
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
  }

  OpsDoor& door_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  RequestReader reader_;
  std::array<char, 4096> piece_;
  std::string pending_;
  std::string response_;
  bool keep_alive_ = true;
};

absl::StatusOr<std::unique_ptr<OpsDoor>> OpsDoor::Listen(Options options) {
  TP_ASSIGN_OR_RETURN(tcp::endpoint endpoint,
                      ParseLoopbackAddress("listen.ops", options.address));
  std::unique_ptr<OpsDoor> door(new OpsDoor(std::move(options)));
  error_code error;
  door->acceptor_.open(endpoint.protocol(), error);
  if (!error) door->acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) door->acceptor_.bind(endpoint, error);
  if (!error) door->acceptor_.listen(64, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("listen.ops = ", AddressText(endpoint), ": ", error.message()));
  }
  door->address_ = AddressText(door->acceptor_.local_endpoint(error));
  door->Accept();
  door->thread_ = std::thread([door = door.get()] {
    ::pthread_setname_np(::pthread_self(), "ops");
    try {
      door->io_.run();
    } catch (const std::exception& error) {
      LogError("the ops door died: ", error.what());
      TP_CHECK(!"an exception left the ops door");
    }
  });
  return door;
}

OpsDoor::OpsDoor(Options options) : options_(std::move(options)) {}

OpsDoor::~OpsDoor() {
  io_.stop();
  if (thread_.joinable()) thread_.join();
}

void OpsDoor::Accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error && connection_count_ < kConnectionsMax) {
      std::make_shared<Connection>(*this, std::move(socket))->Next();
    }
    Accept();
  });
}

std::string OpsDoor::Answer(absl::string_view method, absl::string_view target,
                            bool keep_alive) const {
  const ResponseFacts facts{.keep_alive = keep_alive, .is_head = method == "HEAD"};
  if (method != "GET" && method != "HEAD") {
    return WriteFailure(MakeFailure(Reason::METHOD), facts);
  }
  HttpOutput output;
  output.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  const absl::string_view path = target.substr(0, target.find('?'));
  if (path == "/healthz") {
    const bool is_healthy = options_.is_healthy == nullptr || options_.is_healthy();
    output.status = is_healthy ? 200 : 503;
    output.body = is_healthy ? "ok\n" : "not healthy\n";
  } else if (path == "/readyz") {
    if (!is_ready_.load()) return WriteFailure(MakeFailure(Reason::DRAINING), facts);
    output.body = "ready\n";
  } else if (path == "/metrics") {
    output.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}};
    output.body = options_.metrics();
  } else if (path == "/version") {
    output.headers = {{"Content-Type", "application/json"}};
    output.body = options_.version_json;
  } else {
    return WriteFailure(MakeFailure(Reason::ROUTE), facts);
  }
  std::string response = WriteResponseHead(output, facts);
  if (!facts.is_head) response += output.body;
  return response;
}

}  // namespace tidepool::daemon
