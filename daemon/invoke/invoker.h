// Invoker: the one way to call a function, whichever door the call came through.
//
//   http session ─┐                                  ┌─ HTTP response, problem+json
//                 ├─ InvokeRequest → Invoker → InvokeOutcome
//   gRPC Invoke  ─┘                                  └─ InvokeResponse, google.rpc.Status
//
// Threads  Invoke may be called from any thread; `done` runs on a worker's thread, exactly once.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "daemon/invoke/reason.h"
#include "engine/runtime/value.h"
#include "engine/wasm/types.h"

namespace tidepool::daemon {

struct HeaderField {
  std::string name;
  std::string value;
};

// A request in HTTP's terms: for `command` and `handler` functions.
struct HttpInput {
  std::string method;   // "GET"
  std::string target;   // Origin form, as the client sent it.
  std::vector<HeaderField> headers;
  std::string body;
  std::string remote_address;  // "127.0.0.1"; empty over gRPC.
  std::string server_name;     // Host without port.
  std::string server_port;
  std::string path_prefix;     // Of the route: CGI SCRIPT_NAME.
  bool http_1_0 = false;
};

struct TypedValue {
  engine::wasm::ValueKind kind = engine::wasm::ValueKind::kI32;
  engine::Value value;
};

// A typed call: for `export` functions.
struct CallInput {
  std::string export_name;
  std::vector<TypedValue> arguments;
};

// Which function, by name: tenants/t/functions/f[@alias|:n].  The HTTP door resolves routes first.
struct FunctionReference {
  std::string tenant;
  std::string function;
  std::string revision;  // "", "latest" or a number.
};

struct InvokeRequest {
  FunctionReference function;
  std::variant<HttpInput, CallInput> input;
  std::string request_id;
  absl::Time received_at;                 // First byte.
  absl::Time deadline = absl::InfiniteFuture();  // The client's; may only shorten.
  // Becomes true when the client has gone: a queued request is then dropped.
  std::shared_ptr<std::atomic<bool>> client_gone;
};

struct HttpOutput {
  uint32_t status = 200;
  std::vector<HeaderField> headers;  // No hop-by-hop fields; without Content-Length.
  std::string body;
  // An answer to HEAD, or a 304: the length of the body it speaks of and does not bring.
  std::optional<uint64_t> described_body_bytes;
};

struct LimitReached {
  std::string name;     // "cpu"
  std::string allowed;  // "1s"
  std::string used;     // "1.003s"
  std::string set_by;   // "tenants/a"
};

struct Failure {
  Reason reason = Reason::HOST_FAULT;
  std::string detail;   // For the owner: trap text, exit code …; goes to the log, not to the public.
  std::optional<LimitReached> limit;
  absl::Duration retry_after = absl::Seconds(1);
};

struct InvokeOutcome {
  std::string invocation_id;  // ULID; empty when it was refused at the door.
  uint64_t revision = 0;      // 0 when it never got so far.
  std::variant<HttpOutput, std::vector<TypedValue>, Failure> result;
  absl::Duration queue_time;
  absl::Duration run_time;
  absl::Duration reset_time;
  absl::Duration cpu_time;
  // The host's memory budget is charged for the body as long as this is held: until it is written.
  std::shared_ptr<void> body_charge;
};

class Invoker {
 public:
  virtual ~Invoker() = default;
  virtual void Invoke(InvokeRequest request,
                      absl::AnyInvocable<void(InvokeOutcome)> done) = 0;
};

}  // namespace tidepool::daemon
