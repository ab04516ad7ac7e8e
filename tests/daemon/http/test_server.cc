#include "tests/daemon/http/test_server.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "engine/baseline/baseline_backend.h"
#include "engine/compiler/compile.h"
#include "engine/platform/memfd.h"
#include "engine/wasi/define.h"
#include "gtest/gtest.h"

namespace tidepool::daemon {
namespace {

std::shared_ptr<const engine::Module> Compile(engine::Engine& engine, const WasmBytes& bytes,
                                              const std::string& name) {
  engine::BaselineBackend backend;
  absl::StatusOr<engine::Artifact> artifact = engine::Compile(bytes, {}, backend);
  TP_CHECK(artifact.ok());
  absl::StatusOr<UniqueFd> fd = CreateSealedMemfd("guest", artifact->bytes.size(), {{0, artifact->bytes}});
  TP_CHECK(fd.ok());
  auto module = engine::Module::LoadFd(engine, fd->get(), name, {.table_elements_max = 1000});
  TP_CHECK(module.ok());
  return *std::move(module);
}

}  // namespace

TestServer::TestServer(const Options& options) {
  TP_CHECK(engine::wasi::DefineWasi(linker_).ok());
  const std::string folder = testing::TempDir() + absl::StrCat("/logs", ::getpid());
  std::filesystem::remove_all(folder);
  logs_ = *FunctionLogs::Open({.folder = folder});
  DataPlane::Options plane;
  plane.worker_count = options.workers;
  plane.pool.slot_count = options.slots;
  plane.pool.verify_rate = 1;  // Every reset is proved.
  plane.pool.features = pool::ProbeKernelFeatures();
  plane.stacks = DataPlane::DefaultStacks(options.slots);
  plane.host_limits = {.memory_bytes = options.memory_bytes,
                       .buffered_body_bytes_max = options.buffered_body_bytes_max,
                       .queued_max = options.queued_max};
  plane.snapshots = &publisher_;
  plane.logs = logs_.get();
  plane.metrics = &metrics_;
  auto made = DataPlane::Create(plane);
  if (!made.ok()) ADD_FAILURE() << made.status();
  plane_ = *std::move(made);
  door_ = *HttpDoor::Listen({.address = "127.0.0.1:0", .limits = options.door}, *plane_);
  const std::string& address = door_->address();
  port_ = static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  plane_->Start();
}

TestServer::~TestServer() {
  door_->StopAccepting();
  plane_->StopRest();
  door_->CloseAll();
  plane_->Stop();
  for (const WorkerSnapshot& worker : plane_->Snapshot().workers) {
    EXPECT_EQ(worker.pool.verifications_failed, 0u) << "a reset left something behind";
    EXPECT_EQ(worker.pool.drift, 0);
    EXPECT_EQ(worker.running, 0u);
  }
  door_.reset();
}

void TestServer::Deploy(const std::string& tenant, const std::string& function,
                        const WasmBytes& module, GuestAbi abi,
                        const std::vector<std::string>& tenant_limits, ResponseMode response) {
  auto revision = std::make_shared<FunctionRevision>();
  revision->abi = abi;
  revision->response = response;
  revision->module = Compile(engine_, module, function);
  auto imports = linker_.Resolve(*revision->module);
  TP_CHECK(imports.ok());
  revision->imports = *std::move(imports);
  if (!tenant_limits.empty()) snapshots_.Tenant(tenant, tenant_limits);
  snapshots_.Deploy(tenant, function, revision);
  publisher_.Publish(snapshots_.Build());
}

void TestServer::Route(const std::string& host, const std::string& prefix,
                       const std::string& tenant, const std::string& function) {
  snapshots_.Route(host, prefix, tenant, function);
  publisher_.Publish(snapshots_.Build());
}

std::string TestServer::Log(const std::string& tenant, const std::string& function) {
  logs_->Flush();
  return logs_->Read(tenant, function, {}, 64 << 20)->text;
}

InvokeOutcome TestServer::Invoke(InvokeRequest request) {
  InvokeOutcome outcome;
  absl::Notification done;
  plane_->Invoke(std::move(request), [&](InvokeOutcome result) {
    outcome = std::move(result);
    done.Notify();
  });
  done.WaitForNotification();
  return outcome;
}

}  // namespace tidepool::daemon
