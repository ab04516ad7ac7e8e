// TestClient: a plain blocking socket, so that tests say exactly which bytes are sent.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "engine/platform/unique_fd.h"

namespace tidepool::daemon {

struct TestResponse {
  int status = 0;  // 0: the connection ended first.
  std::map<std::string, std::string> headers;  // Names in lower case; of several the last.
  std::string body;
  // Of a problem; empty when it is none.
  std::string reason() const;
};

class TestClient {
 public:
  // `receive_buffer_bytes`: 0 for what the kernel thinks best.
  explicit TestClient(uint16_t port, int receive_buffer_bytes = 0);

  void Send(absl::string_view bytes);
  // The next response; `is_head`: without a body.
  TestResponse Receive(bool is_head = false);
  // What comes until the end of the connection, or until nothing came for `patience`.
  std::string ReceiveRest(absl::Duration patience);
  // The other side has closed.
  bool IsClosed(absl::Duration patience);
  void ShutdownSending();
  void Close() { UniqueFd().swap(fd_); }

  TestResponse Get(absl::string_view target, absl::string_view extra_fields = "");
  TestResponse Post(absl::string_view target, absl::string_view body);

 private:
  bool Fill();
  UniqueFd fd_;
  std::string pending_;
};

// One request on a connection of its own.
TestResponse Get(uint16_t port, absl::string_view target, absl::string_view extra_fields = "");

}  // namespace tidepool::daemon
