#include "daemon/control/invoke_service.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <utility>
#include <variant>

#include "absl/time/clock.h"

namespace tidepool::daemon {

// Request and response of one call in one allocation, and the request ours to take apart: gRPC's
// own allocator would only lend it as const, and a body of megabytes would have to be copied.
class InvokeService::Messages final
    : public grpc::MessageHolder<invoke::v1::InvokeRequest, invoke::v1::InvokeResponse> {
 public:
  Messages() {
    set_request(&request_);
    set_response(&response_);
  }
  void Release() override { delete this; }

 private:
  invoke::v1::InvokeRequest request_;
  invoke::v1::InvokeResponse response_;
};

class InvokeService::Allocator final
    : public grpc::MessageAllocator<invoke::v1::InvokeRequest, invoke::v1::InvokeResponse> {
 public:
  grpc::MessageHolder<invoke::v1::InvokeRequest, invoke::v1::InvokeResponse>* AllocateMessages()
      override {
    return new Messages;
  }
};

// Lives until gRPC has sent the answer, and with it what the answer's body is charged to.
class InvokeService::Reactor final : public grpc::ServerUnaryReactor {
 public:
  Reactor() : client_gone_(std::make_shared<std::atomic<bool>>(false)) {}

  const std::shared_ptr<std::atomic<bool>>& client_gone() const { return client_gone_; }

  void FinishWith(InvokeOutcome outcome, Audience audience, invoke::v1::InvokeResponse& response) {
    const grpc::Status status = PutOutcome(outcome, audience, response);
    body_charge_ = std::move(outcome.body_charge);
    Finish(status);  // May delete this at once.
  }

 private:
  // gRPC 1.51 hands both reactions below to a thread of its executor unless told that they are
  // trivial, as those of its own default reactor: 5 µs and two context switches per call.
  bool InternalInlineable() override { return true; }
  void OnCancel() override { client_gone_->store(true, std::memory_order_relaxed); }
  void OnDone() override { delete this; }

  const std::shared_ptr<std::atomic<bool>> client_gone_;
  std::shared_ptr<void> body_charge_;
};

InvokeService::InvokeService(daemon::Invoker& invoker,
                             Audience audience,
                             const MessageLimits& limits)
    : invoker_(invoker),
      audience_(audience),
      limits_(limits),
      allocator_(std::make_unique<Allocator>()) {
  SetMessageAllocatorFor_Invoke(allocator_.get());
}

InvokeService::~InvokeService() = default;

grpc::ServerUnaryReactor* InvokeService::Invoke(grpc::CallbackServerContext* context,
                                                const invoke::v1::InvokeRequest*,
                                                invoke::v1::InvokeResponse* response) {
  auto* reactor = new Reactor;
  auto* messages = static_cast<Messages*>(context->GetRpcAllocatorState());
  std::variant<InvokeRequest, Failure> taken = TakeRequest(*messages->request(), limits_);
  if (const auto* failure = std::get_if<Failure>(&taken)) {
    reactor->Finish(StatusOf(*failure, /*invocation_id=*/"", audience_));
    return reactor;
  }
  InvokeRequest& request = std::get<InvokeRequest>(taken);
  request.received_at = absl::Now();
  request.deadline = absl::FromChrono(context->deadline());
  request.client_gone = reactor->client_gone();
  invoker_.Invoke(std::move(request),
                  [reactor, response, audience = audience_](InvokeOutcome outcome) {
                    reactor->FinishWith(std::move(outcome), audience, *response);
                  });
  return reactor;
}

}  // namespace tidepool::daemon
