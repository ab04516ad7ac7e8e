// The services of tidepool.admin.v1, each a thin skin over what it is given.
//
// They use gRPC's synchronous API: a call may wait for the disk, the compiler or a log that
// somebody follows, in a thread of gRPC's, of which there are few (ControlServer).
//
// Threads  Thread-safe.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/catalogue/catalogue.h"
#include "daemon/invoke/pool_inspector.h"
#include "daemon/logs/function_logs.h"

namespace tidepool::daemon {

std::unique_ptr<grpc::Service> MakeTenantsService(Catalogue& catalogue);
std::unique_ptr<grpc::Service> MakeModulesService(Catalogue& catalogue);
std::unique_ptr<grpc::Service> MakeFunctionsService(Catalogue& catalogue);
std::unique_ptr<grpc::Service> MakeRoutesService(Catalogue& catalogue);
std::unique_ptr<grpc::Service> MakePoolService(PoolInspector& pool, Catalogue& catalogue);
std::unique_ptr<grpc::Service> MakeDaemonService(
    std::string version, std::vector<std::pair<std::string, std::string>> facts);
// Followers leave when `stopping` turns true.
std::unique_ptr<grpc::Service> MakeLogsService(FunctionLogs& logs,
                                               Catalogue& catalogue,
                                               const std::atomic<bool>& stopping);

}  // namespace tidepool::daemon
