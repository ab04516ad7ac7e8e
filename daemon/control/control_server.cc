#include "daemon/control/control_server.h"

#include <grpc/grpc.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "daemon/control/admin_services.h"
#include "daemon/control/connection_acceptor.h"
#include "daemon/control/invoke_service.h"
#include "daemon/control/listen_address.h"
#include "engine/support/status_macros.h"

namespace tidepool::daemon {
namespace {

using ExternalAcceptor = grpc::experimental::ExternalConnectionAcceptor;
using ConnectionType = grpc::ServerBuilder::experimental_type::ExternalConnectionType;

// Beyond the largest body: names, headers and framing, so that a body over the limit still reaches
// us and is refused with our reason.
constexpr uint64_t kMessageOverheadBytes = 64 * kKiB;
// Uploads come in chunks of at most 1 MiB.
constexpr uint64_t kAdminMessageBytesMin = 2 * kMiB;
// The synchronous services' threads: calls that wait, followers of logs above all.
constexpr int kAdminThreadsMax = 64;
constexpr int kConcurrentStreamsMax = 1'000;

// One gRPC server and what brings it connections.
struct Door {
  std::string address;
  std::string socket_path;  // Of a unix socket: removed when the door closes.
  // Before the server, so destroyed after it: gRPC calls them until it has shut down.
  std::vector<std::unique_ptr<grpc::Service>> services;
  std::unique_ptr<ExternalAcceptor> grpc_acceptor;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<ConnectionAcceptor> acceptor;  // Stops first: it hands over to the others.
};

struct DoorOptions {
  std::string listen;
  uint32_t connections_max = 0;
  uint64_t buffered_bytes_max = 0;
  uint64_t message_bytes_max = 0;
};

absl::StatusOr<std::unique_ptr<Door>> OpenDoor(
    const DoorOptions& options, std::vector<std::unique_ptr<grpc::Service>> services) {
  TP_ASSIGN_OR_RETURN(const ListenAddress address, ParseListenAddress(options.listen));
  TP_ASSIGN_OR_RETURN(ListeningSocket socket, Listen(address));
  auto door = std::make_unique<Door>();
  door->address = socket.address;
  door->socket_path = address.path;
  door->services = std::move(services);

  grpc::ServerBuilder builder;
  door->grpc_acceptor = builder.experimental().AddExternalConnectionAcceptor(
      ConnectionType::FROM_FD, grpc::InsecureServerCredentials());
  for (const auto& service : door->services) builder.RegisterService(service.get());
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.message_bytes_max));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kConcurrentStreamsMax);
  grpc::ResourceQuota quota(options.listen);
  quota.Resize(options.buffered_bytes_max);
  quota.SetMaxThreads(kAdminThreadsMax);
  builder.SetResourceQuota(quota);
  door->server = builder.BuildAndStart();
  if (door->server == nullptr) {
    return absl::InternalError(absl::StrCat("gRPC did not start its server for ", door->address));
  }

  ConnectionAcceptor::Options acceptor;
  acceptor.connections_max = options.connections_max;
  acceptor.check_peer = address.is_unix;
  acceptor.hand_over = [to = door->grpc_acceptor.get()](int fd) {
    ExternalAcceptor::NewConnectionParameters parameters;
    parameters.fd = fd;
    to->HandleNewConnection(&parameters);
  };
  TP_ASSIGN_OR_RETURN(door->acceptor,
                      ConnectionAcceptor::Start(std::move(socket.fd), std::move(acceptor)));
  return door;
}

void SetDoorServing(const std::unique_ptr<Door>& door, bool serving) {
  if (door == nullptr) return;
  if (grpc::HealthCheckServiceInterface* health = door->server->GetHealthCheckService()) {
    health->SetServingStatus(serving);
  }
}

void ShutDown(const std::unique_ptr<Door>& door, absl::Time deadline) {
  if (door == nullptr) return;
  // While we still listen, so that it cannot be a successor's socket that goes.
  if (!door->socket_path.empty()) ::unlink(door->socket_path.c_str());
  door->acceptor->StopAccepting();
  door->server->Shutdown(absl::ToChronoTime(deadline));
}

}  // namespace

struct ControlServer::Impl {
  std::atomic<bool> stopping{false};
  std::atomic<bool> shut_down{false};
  std::unique_ptr<Door> admin;
  std::unique_ptr<Door> invoke;
};

ControlServer::ControlServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<ControlServer>> ControlServer::Start(const ControlOptions& options,
                                                                    Parts parts) {
  // Never paired with grpc_shutdown: with the last reference gRPC joins a thread of its own that
  // may sit in epoll_wait for ten seconds, and so would the daemon's end.
  ::grpc_init();
  grpc::EnableDefaultHealthCheckService(true);
  auto impl = std::make_unique<Impl>();
  const uint64_t message_bytes_max = options.request_body_bytes_max + kMessageOverheadBytes;
  if (message_bytes_max > INT32_MAX) {
    return absl::InvalidArgumentError(absl::StrCat("limits.request_body=",
                                                   options.request_body_bytes_max,
                                                   " is more than a gRPC message can hold"));
  }
  if (!options.listen_admin.empty()) {
    std::vector<std::unique_ptr<grpc::Service>> services;
    services.push_back(MakeTenantsService(parts.catalogue));
    services.push_back(MakeModulesService(parts.catalogue));
    services.push_back(MakeFunctionsService(parts.catalogue));
    services.push_back(MakeRoutesService(parts.catalogue));
    services.push_back(MakePoolService(parts.pool, parts.catalogue));
    services.push_back(MakeDaemonService(options.version, options.version_facts));
    services.push_back(MakeLogsService(parts.logs, parts.catalogue, impl->stopping));
    services.push_back(
        std::make_unique<InvokeService>(parts.invoker, Audience::kOwner, options.message_limits));
    TP_ASSIGN_OR_RETURN(
        impl->admin,
        OpenDoor({.listen = options.listen_admin,
                  .connections_max = options.admin_connections_max,
                  .buffered_bytes_max = options.buffered_bytes_max,
                  .message_bytes_max = std::max(message_bytes_max, kAdminMessageBytesMin)},
                 std::move(services)));
  }
  if (!options.listen_grpc.empty()) {
    std::vector<std::unique_ptr<grpc::Service>> services;
    services.push_back(
        std::make_unique<InvokeService>(parts.invoker, Audience::kPublic, options.message_limits));
    TP_ASSIGN_OR_RETURN(impl->invoke,
                        OpenDoor({.listen = options.listen_grpc,
                                  .connections_max = options.grpc_connections_max,
                                  .buffered_bytes_max = options.buffered_bytes_max,
                                  .message_bytes_max = message_bytes_max},
                                 std::move(services)));
  }
  std::unique_ptr<ControlServer> server(new ControlServer(std::move(impl)));
  server->SetServing(false);
  return server;
}

ControlServer::~ControlServer() {
  Shutdown(absl::Now());
}

std::string ControlServer::admin_address() const {
  return impl_->admin == nullptr ? std::string() : impl_->admin->address;
}

std::string ControlServer::grpc_address() const {
  return impl_->invoke == nullptr ? std::string() : impl_->invoke->address;
}

void ControlServer::SetServing(bool serving) {
  SetDoorServing(impl_->admin, serving);
  SetDoorServing(impl_->invoke, serving);
}

void ControlServer::Shutdown(absl::Time deadline) {
  if (impl_->shut_down.exchange(true)) return;
  SetServing(false);
  impl_->stopping = true;  // Followers of logs would never end by themselves.
  // Both at once: the deadline is for the two together.
  std::thread admin([&] { ShutDown(impl_->admin, deadline); });
  ShutDown(impl_->invoke, deadline);
  admin.join();
}

}  // namespace tidepool::daemon
