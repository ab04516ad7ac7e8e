#include "tests/daemon/http/test_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/support/check.h"

namespace tidepool::daemon {

std::string TestResponse::reason() const {
  boost::json::error_code error;
  const boost::json::value json = boost::json::parse(body, error);
  if (error || !json.is_object() || !json.as_object().contains("reason")) return "";
  return std::string(json.at("reason").as_string());
}

TestClient::TestClient(uint16_t port, int receive_buffer_bytes)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (receive_buffer_bytes > 0) {
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                 sizeof(receive_buffer_bytes));
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  TP_CHECK(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  const timeval patience{.tv_sec = 30};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

void TestClient::Send(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;  // The server has closed: what it said before is what counts.
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

bool TestClient::Fill() {
  char piece[65536];
  const ssize_t n = ::recv(fd_.get(), piece, sizeof(piece), 0);
  if (n <= 0) return false;
  pending_.append(piece, static_cast<size_t>(n));
  return true;
}

TestResponse TestClient::Receive(bool is_head) {
  TestResponse response;
  size_t end;
  while ((end = pending_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill()) return response;
  }
  const std::string head = pending_.substr(0, end);
  pending_.erase(0, end + 4);
  const std::vector<std::string> lines = absl::StrSplit(head, "\r\n");
  TP_CHECK(absl::SimpleAtoi(lines[0].substr(9, 3), &response.status));
  for (size_t i = 1; i < lines.size(); ++i) {
    const size_t colon = lines[i].find(": ");
    response.headers[absl::AsciiStrToLower(lines[i].substr(0, colon))] = lines[i].substr(colon + 2);
  }
  size_t body_bytes = 0;
  if (!is_head && response.headers.contains("content-length")) {
    TP_CHECK(absl::SimpleAtoi(response.headers["content-length"], &body_bytes));
  }
  while (pending_.size() < body_bytes) {
    if (!Fill()) return TestResponse();
  }
  response.body = pending_.substr(0, body_bytes);
  pending_.erase(0, body_bytes);
  return response;
}

std::string TestClient::ReceiveRest(absl::Duration patience) {
  pollfd waiting{.fd = fd_.get(), .events = POLLIN};
  while (::poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(patience))) > 0 && Fill()) {
  }
  return std::move(pending_);
}

bool TestClient::IsClosed(absl::Duration patience) {
  pollfd waiting{.fd = fd_.get(), .events = POLLIN};
  while (::poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(patience))) > 0) {
    if (!Fill()) return true;
  }
  return false;
}

void TestClient::ShutdownSending() { ::shutdown(fd_.get(), SHUT_WR); }

TestResponse TestClient::Get(absl::string_view target, absl::string_view extra_fields) {
  Send(absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: localhost\r\n", extra_fields, "\r\n"));
  return Receive();
}

TestResponse TestClient::Post(absl::string_view target, absl::string_view body) {
  Send(absl::StrCat("POST ", target, " HTTP/1.1\r\nHost: localhost\r\nContent-Length: ",
                    body.size(), "\r\n\r\n", body));
  return Receive();
}

TestResponse Get(uint16_t port, absl::string_view target, absl::string_view extra_fields) {
  return TestClient(port).Get(target, extra_fields);
}

}  // namespace tidepool::daemon
