// InvokeService: tidepool.invoke.v1.Invoker over our Invoker.
//
//   gRPC thread: message → InvokeRequest ─Invoke─► worker ─done─► message, Finish (worker's thread)
//
// Threads  Thread-safe: gRPC calls it from its own threads.
// Life     Ended when gRPC's server is; the Invoker must finish what it was given.
#pragma once

#include <memory>

#include "daemon/control/grpc_status.h"
#include "daemon/control/invoke_mapping.h"
#include "daemon/invoke/invoker.h"

#include "tidepool/invoke/v1/invoke.grpc.pb.h"

namespace tidepool::daemon {

class InvokeService final : public invoke::v1::Invoker::CallbackService {
 public:
  InvokeService(Invoker& invoker, Audience audience, const MessageLimits& limits);
  ~InvokeService() override;

  grpc::ServerUnaryReactor* Invoke(grpc::CallbackServerContext* context,
                                   const invoke::v1::InvokeRequest* request,
                                   invoke::v1::InvokeResponse* response) override;

 private:
  class Messages;
  class Allocator;
  class Reactor;

  daemon::Invoker& invoker_;
  const Audience audience_;
  const MessageLimits limits_;
  const std::unique_ptr<Allocator> allocator_;
};

}  // namespace tidepool::daemon
