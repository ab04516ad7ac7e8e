// HTTP/1.1 on the wire ↔ our types.  The only place that knows Beast.
//
//   bytes ─RequestReader::Put→ RequestHead, body      HttpOutput, Failure ─Write…→ bytes
//
// Errors   What two servers could read differently is refused, not repaired: bare LF, folded lines,
//          two Hosts, Content-Length beside Transfer-Encoding, codings other than chunked.
// Source   RFC 9112; RFC 9110.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "daemon/http/door_limits.h"
#include "daemon/invoke/invoker.h"

namespace tidepool::daemon {

struct RequestHead {
  std::string method;
  std::string target;   // Origin form, or "*"; an absolute form has become host and origin form.
  std::string host;     // As NormalizeHost gives it; empty for HTTP/1.0 without Host.
  std::string port;
  std::vector<HeaderField> fields;  // Names as sent.
  bool is_http_1_0 = false;
  bool keep_alive = true;
  bool expects_continue = false;
  bool has_body = false;
  std::optional<uint64_t> content_length;
};

// Reads one request after the other from one connection.
class RequestReader {
 public:
  explicit RequestReader(const DoorLimits& limits);
  ~RequestReader();

  enum class State : uint8_t {
    kHead,      // Wants more bytes of the header.
    kHeadDone,  // `head` is there; the caller looks at it and then calls ReadBody.
    kBody,      // Wants more bytes of the body.
    kDone,      // The request is whole.
    kFailed,    // `failure` says why; nothing behind it on this connection can be trusted.
  };
  // Takes what it can use of `bytes`, which must begin with what it left before.  Returns how much.
  size_t Put(absl::string_view bytes);
  State state() const { return state_; }
  const Failure& failure() const { return failure_; }
  RequestHead& head() { return head_; }
  const RequestHead& head() const { return head_; }
  std::string& body() { return body_; }

  // Goes on behind kHeadDone.  `gate` is asked before more of the body is kept.
  using BodyGate = std::function<std::optional<Failure>(uint64_t bytes)>;
  void ReadBody(BodyGate gate);
  // The next request.
  void Reset();

 private:
  class Parser;
  void Fail(Failure failure);
  void FailParsing(const char* what);
  bool CheckLines(absl::string_view bytes);
  void FinishHead();
  std::optional<Failure> CheckFraming();
  std::optional<Failure> ResolveTarget();

  const DoorLimits limits_;
  std::unique_ptr<Parser> parser_;
  State state_ = State::kHead;
  Failure failure_;
  RequestHead head_;
  std::string body_;
  BodyGate gate_;
};

struct ResponseFacts {
  absl::string_view request_id;
  absl::string_view invocation_id;
  uint64_t revision = 0;
  absl::string_view server_timing;   // Without the name; empty: none.
  bool keep_alive = true;
  bool is_head = false;              // The body is not sent.
  bool is_http_1_0 = false;
  bool sandbox = false;              // An origin that tenants share: no cookies, no scripts' rights.
};

// Status line, header and the empty line.
std::string WriteResponseHead(const HttpOutput& output, const ResponseFacts& facts);
// A whole response: application/problem+json.
std::string WriteFailure(const Failure& failure, const ResponseFacts& facts);
// "HTTP/1.1 100 Continue\r\n\r\n"
absl::string_view ContinueResponse();
// A status that never has a body on the wire.
bool IsBodiless(uint32_t status);

}  // namespace tidepool::daemon
