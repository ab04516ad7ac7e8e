// Call: one unary call to the daemon, connection included.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <utility>

#include "daemon/cli/session.h"

namespace tidepool::daemon {

// Calls `method` of `Service`; then `show(response)`, or says why not.
//
//   return Call<admin::v1::Tenants>(session, &admin::v1::Tenants::Stub::GetTenant, request,
//                                   [&](const admin::v1::Tenant& tenant) { … });
template <typename Service, typename Request, typename Response, typename Show>
ExitCode Call(Session& session,
              grpc::Status (Service::Stub::*method)(grpc::ClientContext*,
                                                    const Request&,
                                                    Response*),
              const Request& request,
              Show show) {
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = session.Connect();
  if (!channel.ok()) return session.Fail(channel.status());
  const std::unique_ptr<typename Service::Stub> stub = Service::NewStub(*channel);
  grpc::ClientContext context;
  Response response;
  const grpc::Status status = ((*stub).*method)(&context, request, &response);
  if (!status.ok()) return session.Fail(status);
  return show(std::as_const(response));
}

}  // namespace tidepool::daemon
