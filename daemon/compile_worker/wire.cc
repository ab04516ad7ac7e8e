#include "daemon/compile_worker/wire.h"

#include <errno.h>
#include <sys/socket.h>

#include <algorithm>

#include "engine/artifact/artifact_meta.h"
#include "engine/platform/syscall_error.h"

namespace tidepool::daemon {
namespace {

// Room for descriptors in a control message: more than any of ours has.
constexpr size_t kFdsMax = 8;

WirePhase ToWire(const engine::PhaseTime& phase) {
  return {absl::ToInt64Nanoseconds(phase.wall), absl::ToInt64Nanoseconds(phase.cpu)};
}

engine::PhaseTime PhaseOf(const WirePhase& phase) {
  return {absl::Nanoseconds(phase.wall_ns), absl::Nanoseconds(phase.cpu_ns)};
}

void TakeFds(msghdr* message, size_t fds_max, std::vector<UniqueFd>* fds) {
  for (cmsghdr* control = CMSG_FIRSTHDR(message); control != nullptr;
       control = CMSG_NXTHDR(message, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof(int));
      UniqueFd owned(fd);
      if (fds != nullptr && fds->size() < fds_max) fds->push_back(std::move(owned));
    }
  }
}

}  // namespace

RequestMessage ToWire(const engine::CompileOptions& options) {
  RequestMessage request{};
  request.version = kWireVersion;
  request.padding_bytes = options.padding_bytes;
  request.cpu_features = options.cpu_features.bits;
  request.wasm_features = engine::FeatureBits(options.wasm_features);
  request.tier = static_cast<uint8_t>(options.tier);
  request.bounds = static_cast<uint8_t>(options.bounds);
  request.address_map = options.address_map ? 1 : 0;
  request.names = options.names ? 1 : 0;
  return request;
}

engine::CompileOptions OptionsOf(const RequestMessage& request) {
  engine::CompileOptions options;
  options.padding_bytes = request.padding_bytes;
  options.cpu_features.bits = request.cpu_features;
  options.wasm_features = engine::FeaturesOf(request.wasm_features);
  options.tier = static_cast<engine::Tier>(request.tier);
  options.bounds = static_cast<engine::Bounds>(request.bounds);
  options.address_map = request.address_map != 0;
  options.names = request.names != 0;
  // One child is one thread: the sandbox has no clone(2).
  options.threads = 1;
  return options;
}

ResultMessage ToWire(const absl::Status& status, const engine::CompileTimings& timings) {
  ResultMessage result{};
  result.kind = ResultMessage::kStatus;
  result.status_code = static_cast<int32_t>(status.code());
  result.phases[0] = ToWire(timings.decode);
  result.phases[1] = ToWire(timings.validate);
  result.phases[2] = ToWire(timings.compile);
  result.phases[3] = ToWire(timings.write);
  result.module_bytes = timings.module_bytes;
  result.code_section_bytes = timings.code_section_bytes;
  result.text_bytes = timings.text_bytes;
  result.artifact_bytes = timings.artifact_bytes;
  result.memory_peak_bytes = timings.memory_peak_bytes;
  result.function_count = timings.function_count;
  const absl::string_view text = status.message().substr(0, kResultTextBytesMax);
  result.text_bytes_count = static_cast<uint32_t>(text.size());
  if (!text.empty()) std::memcpy(result.text, text.data(), text.size());
  return result;
}

engine::CompileTimings TimingsOf(const ResultMessage& result) {
  engine::CompileTimings timings;
  timings.decode = PhaseOf(result.phases[0]);
  timings.validate = PhaseOf(result.phases[1]);
  timings.compile = PhaseOf(result.phases[2]);
  timings.write = PhaseOf(result.phases[3]);
  timings.module_bytes = result.module_bytes;
  timings.code_section_bytes = result.code_section_bytes;
  timings.text_bytes = result.text_bytes;
  timings.artifact_bytes = result.artifact_bytes;
  timings.memory_peak_bytes = result.memory_peak_bytes;
  timings.function_count = result.function_count;
  return timings;
}

absl::string_view Cut(const char* text, uint32_t bytes_count, uint32_t bytes_max) {
  return {text, std::min(bytes_count, bytes_max)};
}

std::string PrintableWords(absl::string_view text) {
  std::string printable(text);
  for (char& c : printable) {
    const auto byte = static_cast<uint8_t>(c);
    // Control characters would forge log lines and talk to terminals; UTF-8 may pass.
    if (byte < 0x20 || byte == 0x7F) c = ' ';
  }
  while (!printable.empty() && printable.back() == ' ') printable.pop_back();
  return printable;
}

absl::StatusOr<SocketPair> MakeSocketPair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
    return SyscallError("socketpair", "compile worker");
  }
  return SocketPair{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

absl::Status SendBytes(int socket, absl::Span<const uint8_t> bytes, absl::Span<const int> fds) {
  iovec part{const_cast<uint8_t*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(kFdsMax * sizeof(int))] = {};
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  }
  ssize_t sent;
  do {
    sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
    return absl::UnavailableError("the compiler process is gone");
  }
  if (sent < 0) return SyscallError("sendmsg", "compile worker");
  return absl::OkStatus();
}

absl::StatusOr<size_t> ReceiveBytes(int socket, absl::Span<uint8_t> out, bool wait,
                                    size_t fds_max, std::vector<UniqueFd>* fds) {
  iovec part{out.data(), out.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(kFdsMax * sizeof(int))] = {};
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ssize_t received;
  do {
    received = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
  } while (received < 0 && errno == EINTR);
  if (received < 0) return SyscallError("recvmsg", "compile worker");
  TakeFds(&message, fds_max, fds);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return absl::InternalError("a message longer than any of the compile worker's");
  }
  return static_cast<size_t>(received);
}

}  // namespace tidepool::daemon
