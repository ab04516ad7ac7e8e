#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "daemon/invoke/failure.h"
#include "daemon/invoke/guest_call.h"
#include "daemon/invoke/guest_request.h"
#include "daemon/invoke/guest_response.h"
#include "engine/runtime/call.h"
#include "engine/support/units.h"

namespace tidepool::daemon {
namespace {

using engine::TrapCode;
using engine::Value;
using engine::wasm::FunctionType;
using engine::wasm::ValueType;

// Between pieces the thread may serve others (service.md).
constexpr uint64_t kPieceBytes = 256 * kKiB;
constexpr uint32_t kBufferAlignment = 16;

Failure Bad(absl::string_view detail) { return MakeFailure(Reason::BAD_GUEST_RESPONSE, detail); }

// An export of exactly that type; null and a Failure otherwise.
const engine::abi::FunctionRecord* FindTyped(GuestCall& call, absl::string_view name,
                                             const FunctionType& type) {
  const std::optional<engine::Extern> found = call.instance.FindExport(name);
  if (!found.has_value() || found->kind != engine::wasm::ExternalKind::kFunction) return nullptr;
  return *found->function_type == type ? found->function : nullptr;
}

const FunctionType& AllocType() {
  static const FunctionType type{{ValueType::I32()}, {ValueType::I32()}};
  return type;
}
const FunctionType& HandleType() {
  static const FunctionType type{{ValueType::I32(), ValueType::I32()}, {ValueType::I64()}};
  return type;
}

// Copies `from` to `at` in pieces.  Memory 0 holds it: checked by the caller.
TrapCode CopyIn(GuestCall& call, uint64_t at, absl::string_view from) {
  while (!from.empty()) {
    const absl::string_view piece = from.substr(0, kPieceBytes);
    std::memcpy(call.instance.Memory().data() + at, piece.data(), piece.size());
    from.remove_prefix(piece.size());
    at += piece.size();
    if (from.empty()) break;
    const TrapCode trap = call.interrupt.OnInterrupt();
    if (trap != TrapCode::kNone) return trap;
  }
  return TrapCode::kNone;
}

// The request in the guest's memory: its address, or what ended the attempt.
std::variant<uint32_t, Failure, TrapCode> PutRequest(GuestCall& call, absl::string_view head,
                                                     absl::string_view body) {
  const engine::abi::FunctionRecord* alloc = FindTyped(call, "tidepool_alloc", AllocType());
  if (alloc == nullptr) return Bad("the module exports no tidepool_alloc of type [i32] -> [i32]");
  const uint64_t bytes = head.size() + body.size();
  if (bytes > UINT32_MAX) return Bad("the request is larger than a 32-bit memory");
  const Value argument = Value::I32(static_cast<uint32_t>(bytes));
  Value result;
  TrapCode trap =
      engine::CallFunction(call.instance.store(), *alloc, AllocType(), absl::MakeSpan(&argument, 1),
                           absl::MakeSpan(&result, 1), call.activation);
  if (trap != TrapCode::kNone) return trap;
  const uint32_t address = result.i32();
  if (address == 0) return Bad(absl::StrCat("tidepool_alloc refused ", bytes, " bytes"));
  if (address % kBufferAlignment != 0) {
    return Bad(absl::StrCat("tidepool_alloc gave ", address, ", which is not 16-aligned"));
  }
  if (uint64_t{address} + bytes > call.instance.Memory().size()) {
    return Bad("tidepool_alloc gave a buffer that ends outside memory 0");
  }
  trap = CopyIn(call, address, head);
  if (trap == TrapCode::kNone) trap = CopyIn(call, address + head.size(), body);
  if (trap != TrapCode::kNone) return trap;
  return address;
}

GuestResult TakeResponse(GuestCall& call, uint64_t packed, bool is_head) {
  const uint64_t address = packed >> 32;
  const uint64_t bytes = packed & UINT32_MAX;
  const absl::Span<const uint8_t> memory = call.instance.Memory();
  if (address + bytes > memory.size()) {
    return Bad(absl::StrCat("the response at ", address, " of ", bytes,
                            " bytes ends outside memory 0"));
  }
  const uint64_t body_max = call.limits.Get(LimitName::kResponseBody);
  if (bytes > body_max + kGuestHeaderBytesMax) {
    return LimitFailure(Reason::RESPONSE_TOO_LARGE, LimitName::kResponseBody, call.limits, bytes);
  }
  if (!call.charge.RaiseTo(bytes)) {
    return MakeFailure(Reason::HOST_CAPACITY, "no memory for the response");
  }
  absl::StatusOr<HttpOutput> output = ParseHandlerMessage(
      absl::string_view(reinterpret_cast<const char*>(memory.data() + address), bytes), is_head);
  if (!output.ok()) return Bad(output.status().message());
  if (output->body.size() > body_max) {
    return LimitFailure(Reason::RESPONSE_TOO_LARGE, LimitName::kResponseBody, call.limits,
                        output->body.size());
  }
  return *std::move(output);
}

}  // namespace

GuestResult CallHandler(GuestCall& call) {
  const engine::abi::FunctionRecord* handle = FindTyped(call, "tidepool_handle", HandleType());
  if (handle == nullptr) {
    return Bad("the module exports no tidepool_handle of type [i32 i32] -> [i64]");
  }
  const HttpInput& input = std::get<HttpInput>(call.request.input);
  const std::string head = HandlerMessageHead(input);
  const auto put = PutRequest(call, head, input.body);
  if (const Failure* failure = std::get_if<Failure>(&put)) return *failure;
  if (const TrapCode* trap = std::get_if<TrapCode>(&put)) return *trap;
  const Value arguments[] = {
      Value::I32(std::get<uint32_t>(put)),
      Value::I32(static_cast<uint32_t>(head.size() + input.body.size()))};
  Value result;
  const TrapCode trap = engine::CallFunction(call.instance.store(), *handle, HandleType(),
                                             arguments, absl::MakeSpan(&result, 1),
                                             call.activation);
  if (trap != TrapCode::kNone) return trap;
  return TakeResponse(call, result.i64(), input.method == "HEAD");
}

}  // namespace tidepool::daemon
