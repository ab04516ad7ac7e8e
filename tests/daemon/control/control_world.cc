#include "tests/daemon/control/control_world.h"

#include <thread>
#include <utility>

#include "engine/support/check.h"

namespace tidepool::test {

using daemon::ControlOptions;
using daemon::ControlServer;
using daemon::InvokeOutcome;

FakeInvoker::~FakeInvoker() {
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    threads = std::move(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

void FakeInvoker::SetAnswer(Answer answer) {
  absl::MutexLock lock(&mutex_);
  answer_ = std::move(answer);
}

void FakeInvoker::AnswerWith(daemon::Failure failure) {
  SetAnswer([failure = std::move(failure)](const daemon::InvokeRequest&) {
    InvokeOutcome outcome;
    outcome.invocation_id = "01JTEST";
    outcome.result = failure;
    return outcome;
  });
}

daemon::InvokeRequest FakeInvoker::last() const {
  absl::MutexLock lock(&mutex_);
  return last_;
}

uint64_t FakeInvoker::calls() const {
  absl::MutexLock lock(&mutex_);
  return calls_;
}

void FakeInvoker::Invoke(daemon::InvokeRequest request,
                         absl::AnyInvocable<void(daemon::InvokeOutcome)> done) {
  absl::MutexLock lock(&mutex_);
  ++calls_;
  last_ = request;
  threads_.emplace_back(
      [answer = answer_, request = std::move(request), done = std::move(done)]() mutable {
        done(answer ? answer(request) : InvokeOutcome{});
      });
}

ControlWorld::ControlWorld() : folder_(MakeTemporaryFolder()) {
  TP_CHECK(catalogue_.Open().ok());
  auto logs = daemon::FunctionLogs::Open({.folder = folder_ + "/logs"});
  TP_CHECK(logs.ok());
  logs_ = *std::move(logs);
}

ControlWorld::~ControlWorld() {
  server_.reset();
  RemoveFolder(folder_);
}

ControlOptions ControlWorld::DefaultOptions() const {
  ControlOptions options;
  options.listen_admin = admin_address();
  options.listen_grpc = "127.0.0.1:0";
  options.request_body_bytes_max = 1 << 20;
  options.version = "test";
  return options;
}

void ControlWorld::Start(ControlOptions options) {
  auto server = ControlServer::Start(
      options,
      {.catalogue = catalogue_.catalogue(), .invoker = invoker_, .pool = pool_, .logs = *logs_});
  TP_CHECK(server.ok());
  server_ = *std::move(server);
  server_->SetServing(true);
}

ControlServer& ControlWorld::server() {
  if (server_ == nullptr) Start(DefaultOptions());
  return *server_;
}

namespace {

// Each its own connection: gRPC would share one between channels of equal arguments.
std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

std::shared_ptr<grpc::Channel> ControlWorld::AdminChannel() const {
  return Connect(admin_address());
}

std::shared_ptr<grpc::Channel> ControlWorld::PublicChannel() {
  return Connect(server().grpc_address());
}

}  // namespace tidepool::test
