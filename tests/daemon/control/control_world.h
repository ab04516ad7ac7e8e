// ControlWorld: the gRPC doors on a socket of their own, with a real catalogue behind them and
// fakes for whatever runs guests.
//
// Threads  The fakes are thread-safe: gRPC calls them.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "daemon/control/control_server.h"
#include "tests/daemon/catalogue/catalogue_world.h"

namespace tidepool::test {

// Answers as told, on a thread of its own as the real one does.
class FakeInvoker final : public daemon::Invoker {
 public:
  using Answer = std::function<daemon::InvokeOutcome(const daemon::InvokeRequest&)>;
  ~FakeInvoker() override;

  void SetAnswer(Answer answer) ABSL_LOCKS_EXCLUDED(mutex_);
  void AnswerWith(daemon::Failure failure);
  // The request that came last.
  daemon::InvokeRequest last() const ABSL_LOCKS_EXCLUDED(mutex_);
  uint64_t calls() const ABSL_LOCKS_EXCLUDED(mutex_);

  void Invoke(daemon::InvokeRequest request,
              absl::AnyInvocable<void(daemon::InvokeOutcome)> done) override;

 private:
  mutable absl::Mutex mutex_;
  Answer answer_ ABSL_GUARDED_BY(mutex_);
  daemon::InvokeRequest last_ ABSL_GUARDED_BY(mutex_);
  uint64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

class FakePool final : public daemon::PoolInspector {
 public:
  daemon::HostSnapshot Snapshot() const override { return snapshot; }
  std::vector<pool::StorageReport> ListStorages() override { return storages; }
  daemon::VerifyReport Verify() override { return report; }
  absl::Status CheckFits(const engine::Module&) override { return absl::OkStatus(); }
  void Evict(uint64_t) override {}

  daemon::HostSnapshot snapshot;
  std::vector<pool::StorageReport> storages;
  daemon::VerifyReport report;
};

class ControlWorld {
 public:
  ControlWorld();
  ~ControlWorld();
  // With other options than the default; call before the first use.
  void Start(daemon::ControlOptions options);

  daemon::ControlServer& server();
  CatalogueWorld& catalogue() { return catalogue_; }
  FakeInvoker& invoker() { return invoker_; }
  FakePool& pool() { return pool_; }
  daemon::FunctionLogs& logs() { return *logs_; }
  std::string socket_path() const { return folder_ + "/admin.sock"; }
  std::string admin_address() const { return "unix:" + socket_path(); }
  daemon::ControlOptions DefaultOptions() const;

  std::shared_ptr<grpc::Channel> AdminChannel() const;
  std::shared_ptr<grpc::Channel> PublicChannel();

 private:
  const std::string folder_;
  CatalogueWorld catalogue_;
  FakeInvoker invoker_;
  FakePool pool_;
  std::unique_ptr<daemon::FunctionLogs> logs_;
  std::unique_ptr<daemon::ControlServer> server_;
};

}  // namespace tidepool::test
