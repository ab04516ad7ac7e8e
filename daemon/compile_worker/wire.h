// What client, zygote and compile children say to each other, over SOCK_SEQPACKET socket pairs: one
// message is one packet, sent and received whole.
//
//   client → zygote   RequestMessage + 4 descriptors: input, output, result socket, exit socket
//   child  → client   ResultMessage on the result socket: hostile
//   zygote → client   ExitMessage on the exit socket, which no child ever holds
//   zygote → client   HelloMessage, once, on the control socket
//
// Both ends are built together; kWireVersion tells a forgotten old program apart.
// Threads  Functions are thread-safe.
// Source   unix(7), cmsg(3).
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "engine/compiler/compile_options.h"
#include "engine/compiler/compile_timings.h"
#include "engine/platform/unique_fd.h"

namespace tidepool::daemon {

inline constexpr uint32_t kWireVersion = 1;
inline constexpr int kControlFd = 3;  // Of the zygote.
inline constexpr uint32_t kResultTextBytesMax = 4096;
inline constexpr uint32_t kLastWordsBytesMax = 1024;

struct HelloMessage {
  uint32_t version;
};

struct RequestMessage {
  uint32_t version;
  uint32_t fault;
  uint64_t input_bytes;
  uint64_t cpu_seconds_max;
  int64_t wall_ns_max;
  uint64_t memory_bytes_max;
  uint64_t artifact_bytes_max;
  uint32_t padding_bytes;
  uint32_t cpu_features;
  uint32_t wasm_features;
  uint8_t tier;
  uint8_t bounds;
  uint8_t address_map;
  uint8_t names;
};
enum RequestFd : uint8_t { kInputFd, kOutputFd, kResultFd, kExitFd, kRequestFdCount };

struct WirePhase {
  int64_t wall_ns;
  int64_t cpu_ns;
};
struct ResultMessage {
  enum Kind : uint32_t { kStatus = 0, kOutOfMemory = 1 };
  uint32_t kind;
  int32_t status_code;  // kStatus: absl::StatusCode.
  WirePhase phases[4];  // decode, validate, compile, write
  uint64_t module_bytes;
  uint64_t code_section_bytes;
  uint64_t text_bytes;
  uint64_t artifact_bytes;
  uint64_t memory_peak_bytes;
  uint32_t function_count;
  uint32_t text_bytes_count;
  char text[kResultTextBytesMax];  // Of the status.
};

struct ExitMessage {
  enum Reason : uint32_t { kEnded = 0, kWallLimit = 1, kRefused = 2 };
  uint32_t reason;
  int32_t wait_status;  // As of wait4(2), unless kRefused.
  uint32_t last_words_bytes;
  char last_words[kLastWordsBytesMax];  // What it wrote to stderr, or why it was refused.
};

RequestMessage ToWire(const engine::CompileOptions& options);
engine::CompileOptions OptionsOf(const RequestMessage& request);
ResultMessage ToWire(const absl::Status& status, const engine::CompileTimings& timings);
engine::CompileTimings TimingsOf(const ResultMessage& result);

// Text from a hostile process, cut to `bytes_count` and made fit for one line of a log.
absl::string_view Cut(const char* text, uint32_t bytes_count, uint32_t bytes_max);
std::string PrintableWords(absl::string_view text);

struct SocketPair {
  UniqueFd ours;
  UniqueFd theirs;
};
absl::StatusOr<SocketPair> MakeSocketPair();

// Unavailable when the other end is closed.
absl::Status SendBytes(int socket, absl::Span<const uint8_t> bytes, absl::Span<const int> fds);
// Bytes received, at most out.size(); 0 when the other end is closed.  Descriptors beyond
// `fds_max` are closed.
absl::StatusOr<size_t> ReceiveBytes(int socket, absl::Span<uint8_t> out, bool wait,
                                    size_t fds_max, std::vector<UniqueFd>* fds);

template <typename Message>
absl::Status Send(int socket, const Message& message, absl::Span<const int> fds = {}) {
  static_assert(std::is_trivially_copyable_v<Message>);
  return SendBytes(socket, {reinterpret_cast<const uint8_t*>(&message), sizeof(message)}, fds);
}

// True if a whole message came.  False: the other end is closed, said something else, or (without
// `wait`) nothing yet.
template <typename Message>
bool Receive(int socket, bool wait, Message* message, size_t fds_max = 0,
             std::vector<UniqueFd>* fds = nullptr) {
  static_assert(std::is_trivially_copyable_v<Message>);
  const absl::StatusOr<size_t> received = ReceiveBytes(
      socket, {reinterpret_cast<uint8_t*>(message), sizeof(*message)}, wait, fds_max, fds);
  return received.ok() && *received == sizeof(*message);
}

}  // namespace tidepool::daemon
