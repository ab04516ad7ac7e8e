#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "daemon/http/http_mapping.h"
#include "daemon/invoke/failure.h"
#include "daemon/invoke/http_fields.h"
#include "daemon/invoke/router.h"

namespace tidepool::daemon {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using ErrorCode = beast::error_code;

absl::string_view View(beast::string_view text) {
  return absl::string_view(text.data(), text.size());
}

// The least a chunked body can end with: "0\r\n\r\n".
constexpr size_t kLastChunkBytesMin = 5;

ErrorCode StopParsing() { return http::error::bad_field; }

Failure Bad(absl::string_view what) { return MakeFailure(Reason::BAD_REQUEST, what); }

Failure TooLong(Reason reason, absl::string_view name, absl::string_view allowed) {
  Failure failure = MakeFailure(reason);
  failure.limit = LimitReached{.name = std::string(name),
                               .allowed = std::string(allowed),
                               .used = "more",
                               .set_by = "http"};
  return failure;
}

}  // namespace

class RequestReader::Parser final : public http::basic_parser<true> {
 public:
  explicit Parser(RequestReader& reader) : reader_(reader) {
    header_limit(static_cast<uint32_t>(reader.limits_.header_bytes_max));
    body_limit(boost::none);  // The gate knows the limit, and whose it is.
  }
  using http::basic_parser<true>::chunked;

 private:
  void on_request_impl(http::verb, beast::string_view method, beast::string_view target,
                       int version, ErrorCode& error) override {
    RequestHead& head = reader_.head_;
    if (target.size() > reader_.limits_.uri_bytes_max) {
      reader_.Fail(TooLong(Reason::URI_TOO_LONG, "http.uri_bytes_max",
                           FormatBytes(reader_.limits_.uri_bytes_max)));
      error = StopParsing();
      return;
    }
    if (version != 10 && version != 11) {
      reader_.Fail(Bad("a version other than HTTP/1.0 and 1.1"));
      error = StopParsing();
      return;
    }
    head.method.assign(method.data(), method.size());
    head.target.assign(target.data(), target.size());
    head.is_http_1_0 = version == 10;
  }
  void on_response_impl(int, beast::string_view, int, ErrorCode&) override {}
  void on_field_impl(http::field, beast::string_view name, beast::string_view value,
                     ErrorCode& error) override {
    if (reader_.state_ != State::kHead) return;  // A trailer: nobody asked for it.
    if (reader_.head_.fields.size() >= reader_.limits_.header_fields_max) {
      reader_.Fail(TooLong(Reason::HEADERS_TOO_LARGE, "http.header_fields_max",
                           absl::StrCat(reader_.limits_.header_fields_max)));
      error = StopParsing();
      return;
    }
    reader_.head_.fields.push_back({std::string(View(name)), std::string(View(value))});
  }
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, ErrorCode&) override {}
  size_t on_body_impl(beast::string_view piece, ErrorCode& error) override {
    std::optional<Failure> refused = reader_.gate_(piece.size());
    if (refused.has_value()) {
      reader_.Fail(*std::move(refused));
      error = StopParsing();
      return 0;
    }
    reader_.body_.append(piece.data(), piece.size());
    return piece.size();
  }
  void on_chunk_header_impl(uint64_t, beast::string_view, ErrorCode&) override {}
  size_t on_chunk_body_impl(uint64_t, beast::string_view piece, ErrorCode& error) override {
    return on_body_impl(piece, error);
  }
  void on_finish_impl(ErrorCode&) override {}

  RequestReader& reader_;
};

RequestReader::RequestReader(const DoorLimits& limits) : limits_(limits) { Reset(); }
RequestReader::~RequestReader() = default;

void RequestReader::Reset() {
  parser_ = std::make_unique<Parser>(*this);
  state_ = State::kHead;
  head_ = RequestHead();
  body_ = std::string();
  gate_ = nullptr;
}

void RequestReader::Fail(Failure failure) {
  if (state_ == State::kFailed) return;  // The first says it best.
  failure_ = std::move(failure);
  state_ = State::kFailed;
}

// The header's lines end in CRLF and are not continued, which Beast would let pass.  False: failed.
bool RequestReader::CheckLines(absl::string_view bytes) {
  for (size_t at = bytes.find('\n'); at != absl::string_view::npos; at = bytes.find('\n', at + 1)) {
    if (at == 0 || bytes[at - 1] != '\r') {
      Fail(Bad("a line of the header that does not end in CRLF"));
      return false;
    }
    if (at + 1 < bytes.size() && (bytes[at + 1] == ' ' || bytes[at + 1] == '\t')) {
      Fail(Bad("a folded header line"));
      return false;
    }
    if (at + 2 < bytes.size() && bytes[at + 1] == '\r' && bytes[at + 2] == '\n') return true;
  }
  return true;
}

size_t RequestReader::Put(absl::string_view bytes) {
  if (state_ == State::kFailed || state_ == State::kDone || state_ == State::kHeadDone) return 0;
  if (state_ == State::kHead) {
    if (!CheckLines(bytes)) return 0;
    const bool in_request_line =
        head_.method.empty() && bytes.find('\n') == absl::string_view::npos;
    if (in_request_line && bytes.size() > limits_.uri_bytes_max + 64) {
      Fail(TooLong(Reason::URI_TOO_LONG, "http.uri_bytes_max", FormatBytes(limits_.uri_bytes_max)));
      return 0;
    }
  }
  // Beast asserts that it is not asked again about a last chunk before all of it can be there.
  if (state_ == State::kBody && parser_->chunked() && bytes.size() < kLastChunkBytesMin) return 0;
  ErrorCode error;
  const size_t used = parser_->put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (error == http::error::need_more) {
    // A chunk's header or a trailer must end some time.
    if (state_ == State::kBody && bytes.size() - used > limits_.header_bytes_max) {
      Fail(TooLong(Reason::HEADERS_TOO_LARGE, "http.header_bytes_max",
                   FormatBytes(limits_.header_bytes_max)));
    }
    return used;
  }
  if (error == http::error::header_limit) {
    Fail(TooLong(Reason::HEADERS_TOO_LARGE, "http.header_bytes_max",
                 FormatBytes(limits_.header_bytes_max)));
  } else if (error) {
    Fail(Bad(error.message()));  // Unless a callback failed before, and said why.
  } else if (state_ == State::kHead && parser_->is_header_done()) {
    FinishHead();
  } else if (state_ == State::kBody && parser_->is_done()) {
    state_ = State::kDone;
  }
  return used;
}

void RequestReader::ReadBody(BodyGate gate) {
  gate_ = std::move(gate);
  parser_->eager(true);
  state_ = parser_->is_done() ? State::kDone : State::kBody;
}

void RequestReader::FinishHead() {
  head_.keep_alive = parser_->keep_alive();
  head_.has_body = !parser_->is_done();
  if (head_.method == "TRACE" || head_.method == "CONNECT") {
    return Fail(MakeFailure(Reason::METHOD));
  }
  std::optional<Failure> failure = CheckFraming();
  if (!failure.has_value()) failure = ResolveTarget();
  if (failure.has_value()) return Fail(*std::move(failure));
  state_ = State::kHeadDone;
}

std::optional<Failure> RequestReader::CheckFraming() {
  uint32_t lengths = 0;
  uint32_t codings = 0;
  for (const HeaderField& field : head_.fields) {
    if (absl::EqualsIgnoreCase(field.name, "content-length")) {
      ++lengths;
      uint64_t bytes = 0;
      const bool is_number = !field.value.empty() && absl::SimpleAtoi(field.value, &bytes) &&
                             std::all_of(field.value.begin(), field.value.end(), [](char c) {
                               return absl::ascii_isdigit(static_cast<unsigned char>(c));
                             });
      if (!is_number) return Bad("a Content-Length that is not a number");
      head_.content_length = bytes;
    } else if (absl::EqualsIgnoreCase(field.name, "transfer-encoding")) {
      ++codings;
      if (!absl::EqualsIgnoreCase(field.value, "chunked")) {
        return Bad("a transfer coding other than chunked");
      }
    } else if (absl::EqualsIgnoreCase(field.name, "expect")) {
      if (!absl::EqualsIgnoreCase(field.value, "100-continue")) return Bad("an unknown Expect");
      head_.expects_continue = !head_.is_http_1_0;
    }
  }
  if (lengths > 1) return Bad("more than one Content-Length");
  if (codings > 1) return Bad("more than one Transfer-Encoding");
  if (lengths + codings > 1) return Bad("Content-Length beside Transfer-Encoding");
  if (codings > 0 && head_.is_http_1_0) return Bad("Transfer-Encoding in HTTP/1.0");
  return std::nullopt;
}

std::optional<Failure> RequestReader::ResolveTarget() {
  const HeaderField* host = nullptr;
  for (const HeaderField& field : head_.fields) {
    if (!absl::EqualsIgnoreCase(field.name, "host")) continue;
    if (host != nullptr) return Bad("more than one Host");
    host = &field;
  }
  if (host == nullptr && !head_.is_http_1_0) return Bad("no Host");
  std::string authority = host == nullptr ? std::string() : host->value;
  // Absolute form: RFC 9112, 3.2.2 has a server obey it, and ignore Host.
  absl::string_view target = head_.target;
  if (absl::StartsWithIgnoreCase(target, "http://") ||
      absl::StartsWithIgnoreCase(target, "https://")) {
    target.remove_prefix(target.find("//") + 2);
    const size_t end = std::min(target.find_first_of("/?"), target.size());
    authority = std::string(target.substr(0, end));
    target.remove_prefix(end);
    head_.target = absl::StrCat(absl::StartsWith(target, "/") ? "" : "/", target);
  }
  if (head_.target != "*" && !absl::StartsWith(head_.target, "/")) {
    return Bad("a target that is not a path");
  }
  if (authority.empty() && host == nullptr) return std::nullopt;
  std::optional<HostAndPort> normalized = NormalizeHost(authority);
  if (!normalized.has_value()) return Bad("a Host that is not a host");
  head_.host = std::move(normalized->host);
  head_.port = std::move(normalized->port);
  return std::nullopt;
}

}  // namespace tidepool::daemon
