// Session: one client's connection to the data plane.
//
//   kIdle ─first byte→ kHead ─header→ (route, admit) ─→ kBody ─whole→ kRunning ─outcome→ kWriting
//     ▲                                                                                   │
//     └──────────────────────────── keep-alive ───────────────────────────────────────────┤
//                                                        close: kLingering ─→ closed ◄─────┘
//
// One request is in hand at a time; what a client sends behind it (pipelining) waits in the buffer,
// so answers leave in order.  A read is always pending, which is how a client that leaves is noticed
// while its request waits or runs.
//
// Life     Owned by its pending operations and its listener; ends when the connection does.
// Threads  The worker's.
// Source   RFC 9112; service.md, "HTTP data plane" and "The way in".
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/http/http_mapping.h"
#include "daemon/invoke/worker.h"

namespace tidepool::daemon {

class Listener;

class Session final : public std::enable_shared_from_this<Session> {
 public:
  // `counted_address`: what the listener counted it under.
  Session(Listener& listener, boost::asio::ip::tcp::socket socket, std::string remote_address,
          std::string counted_address);
  ~Session();

  void Start();
  // Called from time to time: ends what took too long.
  void CheckTime(uint64_t now_ns);
  // No further request: closes at once when idle, else after the answer in hand.
  void Drain();
  void Close();

  std::list<std::shared_ptr<Session>>::iterator place;  // In the listener's list.

 private:
  enum class Phase : uint8_t { kIdle, kHead, kBody, kRunning, kWriting, kLingering, kClosed };

  void Read();
  void OnRead(const boost::system::error_code& error, size_t bytes);
  void OnEnd();
  bool MakeRoom();
  void Process();
  // One step of it: false when it must wait for something.
  bool Step();
  void OnHead();
  // Requests that are answered here.
  bool AnswerWellKnown();
  std::optional<Failure> Admit();
  void Submit();
  void OnOutcome(InvokeOutcome outcome);
  ResponseFacts Facts() const;
  void Refuse(const Failure& failure);
  void Send(std::string head, std::string body);
  void Write();
  void OnWritten();
  void FinishRequest();
  void Linger();
  void Enter(Phase phase, uint64_t timeout_ns);
  uint64_t NowNs() const;

  Listener& listener_;
  Worker& worker_;
  HostLedger& ledger_;  // Outlives the listener, as pending operations may.
  const DoorLimits& limits_;
  boost::asio::ip::tcp::socket socket_;
  const std::string remote_address_;
  const std::string counted_address_;
  RequestReader reader_;

  // What arrived and is not used yet: [begin_, end_) of buffer_.
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t buffer_charge_bytes_ = 0;  // To the host's budget, beyond the first kilobytes.
  bool is_reading_ = false;
  bool is_processing_ = false;

  // Of the request in hand.
  Phase phase_ = Phase::kIdle;
  uint64_t deadline_ns_ = 0;
  uint64_t first_byte_ns_ = 0;
  std::optional<Ticket> ticket_;
  std::shared_ptr<std::atomic<bool>> client_gone_;
  std::string request_id_;
  absl::Time client_deadline_ = absl::InfiniteFuture();
  bool is_function_origin_ = false;
  bool is_head_ = false;
  bool close_after_ = false;
  bool is_draining_ = false;

  // Of the answer.
  std::string out_head_;
  std::string out_body_;
  size_t out_done_ = 0;  // Of both together.
  std::shared_ptr<void> body_charge_;
};

}  // namespace tidepool::daemon
