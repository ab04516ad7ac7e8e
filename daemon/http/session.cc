#include "daemon/http/session.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/write.hpp>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/http/listener.h"
#include "daemon/http/request_fields.h"
#include "daemon/invoke/failure.h"
#include "daemon/invoke/http_fields.h"
#include "daemon/invoke/router.h"

namespace tidepool::daemon {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr size_t kFirstBufferBytes = 8 * 1024;
constexpr size_t kReadAheadBytesMax = 64 * 1024;  // Of pipelined requests.
// How long to read on before closing, so that no reset overtakes the answer: to a client that still
// sends its body; to one that may just have sent its next request.
constexpr uint64_t kLingerWithBodyNs = 2'000'000'000;
constexpr uint64_t kLingerNs = 200'000'000;
// Below this, header and body leave in one piece.
constexpr size_t kJoinBytesMax = 16 * 1024;
constexpr absl::string_view kReadyPath = "/.well-known/tidepool/ready";

}  // namespace

Session::Session(Listener& listener, asio::ip::tcp::socket socket, std::string remote_address,
                 std::string counted_address)
    : listener_(listener),
      worker_(listener.worker()),
      ledger_(*listener.options().ledger),
      limits_(listener.options().limits),
      socket_(std::move(socket)),
      remote_address_(std::move(remote_address)),
      counted_address_(std::move(counted_address)),
      reader_(limits_),
      buffer_(kFirstBufferBytes) {}

Session::~Session() { ledger_.budget.Release(buffer_charge_bytes_); }

uint64_t Session::NowNs() const { return worker_.clock().MonotonicNs(); }

void Session::Enter(Phase phase, uint64_t timeout_ns) {
  phase_ = phase;
  deadline_ns_ = timeout_ns == UINT64_MAX ? UINT64_MAX : NowNs() + timeout_ns;
}

void Session::Start() {
  // Who connects and says nothing has as long as for a header.
  Enter(Phase::kIdle, limits_.header_timeout_ns);
  Read();
}

void Session::CheckTime(uint64_t now_ns) {
  if (now_ns < deadline_ns_) return;
  switch (phase_) {
    case Phase::kHead:
    case Phase::kBody: {
      ticket_.reset();
      worker_.CountRejection("", Reason::REQUEST_TIMEOUT);
      return Refuse(MakeFailure(Reason::REQUEST_TIMEOUT));
    }
    case Phase::kRunning: return;
    case Phase::kIdle:
    case Phase::kWriting:
    case Phase::kLingering:
    case Phase::kClosed: return Close();
  }
}

void Session::Drain() {
  is_draining_ = true;
  if (phase_ == Phase::kIdle && begin_ == end_) Close();
}

void Session::Close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  const std::shared_ptr<Session> self = shared_from_this();
  if (client_gone_ != nullptr) client_gone_->store(true, std::memory_order_relaxed);
  ticket_.reset();
  error_code error;
  socket_.close(error);
  listener_.Remove(*this, counted_address_);
}

// ---- Reading.

bool Session::MakeRoom() {
  if (begin_ == end_) begin_ = end_ = 0;
  // A body comes in larger pieces than headers.
  const bool wants_more = phase_ == Phase::kBody && buffer_.size() < kReadAheadBytesMax;
  if (end_ < buffer_.size() && !wants_more) return true;
  if (begin_ > 0 && !wants_more) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    return true;
  }
  const size_t limit = limits_.header_bytes_max + kFirstBufferBytes;
  const size_t bytes = wants_more ? kReadAheadBytesMax
                                  : std::min(2 * buffer_.size(), std::max(limit, kReadAheadBytesMax));
  const bool has_room = end_ < buffer_.size();
  if (bytes <= buffer_.size()) return has_room;
  if (!ledger_.budget.TryCharge(bytes - buffer_.size())) return has_room;
  buffer_charge_bytes_ += bytes - buffer_.size();
  buffer_.resize(bytes);
  return true;
}

void Session::Read() {
  if (is_reading_ || phase_ == Phase::kClosed) return;
  if (!MakeRoom()) {
    // Full of pipelined requests: they are taken up again when the one in hand is answered.
    if (phase_ == Phase::kRunning || phase_ == Phase::kWriting) return;
    return Refuse(MakeFailure(Reason::HOST_CAPACITY, "no memory to read the request"));
  }
  is_reading_ = true;
  socket_.async_read_some(
      asio::buffer(buffer_.data() + end_, buffer_.size() - end_),
      [self = shared_from_this()](const error_code& error, size_t bytes) {
        self->is_reading_ = false;
        self->OnRead(error, bytes);
      });
}

void Session::OnRead(const error_code& error, size_t bytes) {
  if (phase_ == Phase::kClosed) return;
  if (error) return OnEnd();
  if (phase_ == Phase::kLingering) {
    begin_ = end_ = 0;
    return Read();
  }
  end_ += bytes;
  if (phase_ == Phase::kBody) {
    deadline_ns_ = NowNs() + limits_.body_timeout_ns;  // Progress.
  }
  Process();
  Read();
}

void Session::OnEnd() {
  // Who has sent its request and ends the connection does not wait for the answer.
  if (phase_ == Phase::kWriting) {
    close_after_ = true;
    return;
  }
  Close();
}

void Session::Process() {
  if (is_processing_) return;  // An answer came at once, inside Step.
  is_processing_ = true;
  while (Step()) {
  }
  is_processing_ = false;
}

bool Session::Step() {
  if (phase_ != Phase::kIdle && phase_ != Phase::kHead && phase_ != Phase::kBody) return false;
  if (begin_ == end_) return false;
  if (phase_ == Phase::kIdle) {
    Enter(Phase::kHead, limits_.header_timeout_ns);
    first_byte_ns_ = NowNs();
  }
  const size_t used = reader_.Put(absl::string_view(buffer_.data() + begin_, end_ - begin_));
  begin_ += used;
  switch (reader_.state()) {
    case RequestReader::State::kHead:
    case RequestReader::State::kBody: return used > 0;
    case RequestReader::State::kHeadDone: OnHead(); return true;
    case RequestReader::State::kDone: Submit(); return true;
    case RequestReader::State::kFailed:
      ticket_.reset();
      worker_.CountRejection("", reader_.failure().reason);
      Refuse(reader_.failure());
      return false;
  }
  return false;
}

// ---- One request.

void Session::OnHead() {
  RequestHead& head = reader_.head();
  is_head_ = head.method == "HEAD";
  close_after_ = !head.keep_alive || is_draining_;
  request_id_ = RequestIdOf(head.fields);
  if (AnswerWellKnown()) return;
  if (std::optional<Failure> failure = Admit()) {
    // What remains of the request would be read as the next one.
    close_after_ |= head.has_body;
    return Refuse(*failure);
  }
  reader_.ReadBody([this](uint64_t bytes) { return ticket_->Buffer(bytes); });
  if (reader_.state() == RequestReader::State::kDone) return Submit();
  Enter(Phase::kBody, limits_.body_timeout_ns);
  if (head.expects_continue && begin_ == end_) {
    error_code error;
    const absl::string_view go_on = ContinueResponse();
    socket_.write_some(asio::buffer(go_on.data(), go_on.size()), error);
  }
}

bool Session::AnswerWellKnown() {
  const RequestHead& head = reader_.head();
  if (head.target != kReadyPath) return false;
  close_after_ |= head.has_body;
  if (is_draining_ || ledger_.draining.load(std::memory_order_relaxed)) {
    Refuse(MakeFailure(Reason::DRAINING));
    return true;
  }
  HttpOutput ready;
  ready.headers = {{"Content-Type", "text/plain"}, {"Cache-Control", "no-store"}};
  ready.body = "ready\n";
  std::string response = WriteResponseHead(ready, Facts());
  Send(std::move(response), is_head_ ? std::string() : std::move(ready.body));
  return true;
}

std::optional<Failure> Session::Admit() {
  const RequestHead& head = reader_.head();
  std::optional<Failure> failure = ReadDeadline(head.fields, NowNs() - first_byte_ns_,
                                                &client_deadline_);
  if (failure.has_value()) return failure;
  RouteResult routed = head.target == "*" ? MakeFailure(Reason::ROUTE, "target *")
                                          : RouteRequest(worker_.snapshot(), head.host, head.target);
  if (Failure* no_route = std::get_if<Failure>(&routed)) {
    worker_.CountRejection("", no_route->reason);
    return std::move(*no_route);
  }
  Route& route = std::get<Route>(routed);
  is_function_origin_ = route.is_function_origin;
  if (route.revision->abi == GuestAbi::kExport) {
    worker_.CountRejection(route.tenant->name, Reason::WRONG_ABI);
    return MakeFailure(Reason::WRONG_ABI, "an export function is called over gRPC");
  }
  auto admitted = worker_.AdmitRoute(std::move(route), head.content_length);
  if (Failure* refused = std::get_if<Failure>(&admitted)) return std::move(*refused);
  ticket_.emplace(std::move(std::get<Ticket>(admitted)));
  return std::nullopt;
}

void Session::Submit() {
  RequestHead& head = reader_.head();
  InvokeRequest request;
  HttpInput& input = request.input.emplace<HttpInput>();
  input.method = std::move(head.method);
  input.target = std::move(head.target);
  input.headers = FieldsForGuest(std::move(head.fields), request_id_);
  input.body = std::move(reader_.body());
  input.remote_address = remote_address_;
  input.server_name = std::move(head.host);
  input.server_port = std::move(head.port);
  input.path_prefix = ticket_->route().path_prefix;
  input.http_1_0 = head.is_http_1_0;
  request.request_id = request_id_;
  request.deadline = client_deadline_;
  request.client_gone = client_gone_ = std::make_shared<std::atomic<bool>>(false);
  Enter(Phase::kRunning, UINT64_MAX);
  Ticket ticket = std::move(*ticket_);
  ticket_.reset();
  worker_.Submit(std::move(ticket), std::move(request),
                 [self = shared_from_this()](InvokeOutcome outcome) {
                   self->OnOutcome(std::move(outcome));
                 });
}

// ---- The answer.

ResponseFacts Session::Facts() const {
  return {.request_id = request_id_,
          .keep_alive = !close_after_,
          .is_head = is_head_,
          .is_http_1_0 = reader_.head().is_http_1_0,
          .sandbox = is_function_origin_ && listener_.options().sandbox_function_origin};
}

void Session::OnOutcome(InvokeOutcome outcome) {
  client_gone_.reset();
  if (phase_ != Phase::kRunning) return;  // The client has left.
  close_after_ |= is_draining_;
  ResponseFacts facts = Facts();
  const std::string timing = ServerTiming(outcome);
  facts.invocation_id = outcome.invocation_id;
  facts.revision = outcome.revision;
  facts.server_timing = timing;
  if (const Failure* failure = std::get_if<Failure>(&outcome.result)) {
    return Send(WriteFailure(*failure, facts), "");
  }
  HttpOutput& output = std::get<HttpOutput>(outcome.result);
  body_charge_ = std::move(outcome.body_charge);
  std::string head = WriteResponseHead(output, facts);
  const bool sends_body = !is_head_ && !IsBodiless(output.status);
  Send(std::move(head), sends_body ? std::move(output.body) : std::string());
}

void Session::Refuse(const Failure& failure) {
  // After these the connection's bytes have no meaning, or the client has lost its way.
  const bool keeps_meaning = reader_.state() != RequestReader::State::kFailed &&
                             phase_ != Phase::kBody && failure.reason != Reason::REQUEST_TIMEOUT;
  close_after_ |= !keeps_meaning || is_draining_;
  Send(WriteFailure(failure, Facts()), "");
}

void Session::Send(std::string head, std::string body) {
  out_head_ = std::move(head);
  out_body_ = std::move(body);
  if (out_body_.size() <= kJoinBytesMax) {
    out_head_ += out_body_;
    out_body_.clear();
  }
  out_done_ = 0;
  Enter(Phase::kWriting, limits_.write_timeout_ns);
  Write();
}

void Session::Write() {
  const size_t head_left = out_head_.size() - std::min(out_head_.size(), out_done_);
  const size_t body_done = out_done_ - (out_head_.size() - head_left);
  const std::array<asio::const_buffer, 2> buffers = {
      asio::buffer(out_head_.data() + out_head_.size() - head_left, head_left),
      asio::buffer(out_body_.data() + body_done, out_body_.size() - body_done)};
  // Most answers fit the socket's buffer: then there is nothing to wait for.
  error_code error;
  out_done_ += socket_.write_some(buffers, error);
  if (error && error != asio::error::would_block && error != asio::error::try_again) {
    return Close();
  }
  if (out_done_ == out_head_.size() + out_body_.size()) return OnWritten();
  socket_.async_wait(asio::ip::tcp::socket::wait_write,
                     [self = shared_from_this()](const error_code& failed) {
                       if (self->phase_ != Phase::kWriting) return;
                       if (failed) return self->Close();
                       self->Enter(Phase::kWriting,
                                   self->limits_.write_timeout_ns);
                       self->Write();
                     });
}

void Session::OnWritten() {
  out_head_.clear();
  out_body_ = std::string();
  body_charge_.reset();
  if (close_after_) return Linger();
  FinishRequest();
}

void Session::FinishRequest() {
  reader_.Reset();
  request_id_.clear();
  client_deadline_ = absl::InfiniteFuture();
  is_function_origin_ = false;
  is_head_ = false;
  Enter(Phase::kIdle, limits_.idle_timeout_ns);
  if (begin_ == end_ && buffer_.size() > kFirstBufferBytes && !is_reading_) {
    buffer_ = std::vector<char>(kFirstBufferBytes);
    begin_ = end_ = 0;
    ledger_.budget.Release(std::exchange(buffer_charge_bytes_, 0));
  }
  Process();
  Read();
}

void Session::Linger() {
  const bool is_whole = reader_.state() == RequestReader::State::kDone ||
                        (reader_.state() == RequestReader::State::kHeadDone &&
                         !reader_.head().has_body);
  // It asked for the end itself, and is heard out.
  if (is_whole && !reader_.head().keep_alive && begin_ == end_) return Close();
  error_code error;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
  begin_ = end_ = 0;
  Enter(Phase::kLingering, is_whole ? kLingerNs : kLingerWithBodyNs);
  Read();
}

}  // namespace tidepool::daemon
