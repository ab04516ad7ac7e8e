// The admin services over the socket, and who may connect to it.
#include <fcntl.h>
#include <grpcpp/impl/client_unary_call.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

#include "daemon/control/listen_address.h"
#include "daemon/logs/log_line.h"
#include "tests/daemon/control/control_world.h"
#include "tests/support/status_matchers.h"

#include "tidepool/admin/v1/functions.grpc.pb.h"
#include "tidepool/admin/v1/logs.grpc.pb.h"
#include "tidepool/admin/v1/modules.grpc.pb.h"
#include "tidepool/admin/v1/pool.grpc.pb.h"
#include "tidepool/admin/v1/routes.grpc.pb.h"
#include "tidepool/admin/v1/tenants.grpc.pb.h"

namespace tidepool::daemon {
namespace {

using admin::v1::Functions;
using admin::v1::Logs;
using admin::v1::Modules;
using admin::v1::Pool;
using admin::v1::Routes;
using admin::v1::Tenants;
using grpc::ClientContext;
using grpc::StatusCode;
using test::ControlWorld;
using test::IsOk;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AdminDoorTest : public ::testing::Test {
 protected:
  AdminDoorTest() {
    world_.server();
    channel_ = world_.AdminChannel();
  }
  template <typename Service, typename Request, typename Response>
  grpc::Status Call(grpc::Status (Service::Stub::*method)(ClientContext*,
                                                          const Request&,
                                                          Response*),
                    const Request& request,
                    Response* response) {
    ClientContext context;
    const auto stub = Service::NewStub(channel_);
    return ((*stub).*method)(&context, request, response);
  }
  grpc::Status CreateTenant(const std::string& name) {
    admin::v1::CreateTenantRequest request;
    request.set_tenant_id(name);
    admin::v1::Tenant tenant;
    return Call<Tenants>(&Tenants::Stub::CreateTenant, request, &tenant);
  }
  grpc::Status Upload(const std::string& parent,
                      const std::vector<uint8_t>& wasm,
                      admin::v1::Module* module,
                      uint64_t total_bytes = 0) {
    ClientContext context;
    const auto stub = Modules::NewStub(channel_);
    const auto writer = stub->UploadModule(&context, module);
    admin::v1::UploadModuleRequest part;
    part.mutable_header()->set_parent(parent);
    part.mutable_header()->set_total_bytes(total_bytes);
    writer->Write(part);
    for (size_t at = 0; at < wasm.size(); at += 7) {
      part.set_chunk(wasm.data() + at, std::min<size_t>(7, wasm.size() - at));
      if (!writer->Write(part)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }
  grpc::Status Deploy(const std::string& function,
                      const std::vector<uint8_t>& wasm,
                      admin::v1::Revision* revision) {
    admin::v1::Module module;
    const grpc::Status status = Upload("tenants/a", wasm, &module);
    if (!status.ok()) return status;
    admin::v1::DeployFunctionRequest request;
    request.set_parent("tenants/a");
    request.set_function_id(function);
    request.set_module(module.name());
    return Call<Functions>(&Functions::Stub::DeployFunction, request, revision);
  }

  ControlWorld world_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(AdminDoorTest, UploadDeployGetAndDelete) {
  ASSERT_TRUE(CreateTenant("a").ok());
  admin::v1::Revision revision;
  const grpc::Status deployed = Deploy("f", test::ExportModule(), &revision);
  ASSERT_TRUE(deployed.ok()) << deployed.error_message();
  EXPECT_EQ(revision.name(), "tenants/a/functions/f/revisions/1");
  EXPECT_EQ(revision.settings().abi(), admin::v1::ABI_EXPORT);
  ASSERT_EQ(revision.exports_size(), 2);
  EXPECT_EQ(revision.exports(0).name(), "add");
  EXPECT_THAT(revision.exports(0).params(), ElementsAre(admin::v1::I32, admin::v1::I32));

  admin::v1::CreateRouteRequest route;
  route.set_parent("tenants/a");
  route.set_route("Example.org/x/");
  route.set_function("tenants/a/functions/f:1");
  admin::v1::Route made;
  ASSERT_TRUE(Call<Routes>(&Routes::Stub::CreateRoute, route, &made).ok());
  EXPECT_EQ(made.name(), "tenants/a/routes/example.org/x");

  admin::v1::GetFunctionRequest get;
  get.set_name("tenants/a/functions/f");
  admin::v1::Function function;
  ASSERT_TRUE(Call<Functions>(&Functions::Stub::GetFunction, get, &function).ok());
  EXPECT_THAT(function.routes(), ElementsAre("example.org/x"));
  EXPECT_EQ(function.serving_revision().effective_limits_size(), static_cast<int>(kLimitCount));

  admin::v1::DeleteRouteRequest delete_route;
  delete_route.set_name(made.name());
  google::protobuf::Empty empty;
  ASSERT_TRUE(Call<Routes>(&Routes::Stub::DeleteRoute, delete_route, &empty).ok());
  admin::v1::DeleteFunctionRequest remove;
  remove.set_name("tenants/a/functions/f");
  ASSERT_TRUE(Call<Functions>(&Functions::Stub::DeleteFunction, remove, &empty).ok());
  EXPECT_EQ(Call<Functions>(&Functions::Stub::GetFunction, get, &function).error_code(),
            StatusCode::NOT_FOUND);
}

TEST_F(AdminDoorTest, ErrorsCarryErrorInfo) {
  ASSERT_TRUE(CreateTenant("a").ok());
  const grpc::Status status = CreateTenant("a");
  EXPECT_EQ(status.error_code(), StatusCode::ALREADY_EXISTS);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "ALREADY_EXISTS");
  EXPECT_EQ(info.domain(), "tidepool");
}

TEST_F(AdminDoorTest, AnUploadOverItsLimitStopsEarly) {
  ASSERT_TRUE(CreateTenant("a").ok());
  ASSERT_THAT(world_.catalogue().catalogue().UpdateTenant("a", {"module_size=64B"}),
              testing::AnyOf(IsOk(), StatusIs(absl::StatusCode::kInvalidArgument)));
  ASSERT_THAT(world_.catalogue().catalogue().UpdateTenant("a", {"module_size=64"}), IsOk());
  admin::v1::Module module;
  const std::vector<uint8_t> large(1 << 20, 'x');
  EXPECT_EQ(Upload("tenants/a", large, &module).error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Upload("tenants/a", large, &module, large.size()).error_code(),
            StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Upload("tenants/b", large, &module).error_code(), StatusCode::NOT_FOUND);
  EXPECT_THAT(test::FilesIn(world_.catalogue().folder() + "/tmp"), ElementsAre());
}

TEST_F(AdminDoorTest, AnUploadBrokenOffIsNoModule) {
  ASSERT_TRUE(CreateTenant("a").ok());
  const std::vector<uint8_t> wasm = test::CommandModule();
  {
    ClientContext context;
    admin::v1::Module module;
    const auto stub = Modules::NewStub(channel_);
    const auto writer = stub->UploadModule(&context, &module);
    admin::v1::UploadModuleRequest part;
    part.mutable_header()->set_parent("tenants/a");
    writer->Write(part);
    part.set_chunk(wasm.data(), wasm.size());  // All of it, but the client says no end.
    writer->Write(part);
    context.TryCancel();
    EXPECT_EQ(writer->Finish().error_code(), StatusCode::CANCELLED);
  }
  for (int i = 0; i < 200 && !test::FilesIn(world_.catalogue().folder() + "/tmp").empty(); ++i) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  TP_ASSERT_OK_AND_ASSIGN(const auto modules, world_.catalogue().catalogue().ListModules("a"));
  EXPECT_EQ(modules.size(), 0u);
}

TEST_F(AdminDoorTest, LogsAreReadTailedAndFollowed) {
  ASSERT_TRUE(CreateTenant("a").ok());
  admin::v1::Revision revision;
  ASSERT_TRUE(Deploy("f", test::CommandModule(), &revision).ok());
  const auto append = [&](const std::string& text) {
    std::string lines;
    AppendLogLines(lines, 1'700'000'000'000'000'000, "01JX", LogSource::kError, text);
    world_.logs().Append("a", "f", lines);
    world_.logs().Flush();
  };
  append("one\ntwo words\nthree");
  const auto read = [&](uint32_t tail) {
    ClientContext context;
    admin::v1::ReadLogsRequest request;
    request.set_parent("tenants/a/functions/f");
    request.set_tail(tail);
    const auto stub = Logs::NewStub(channel_);
    const auto reader = stub->ReadLogs(&context, request);
    std::vector<std::string> texts;
    admin::v1::LogLine line;
    while (reader->Read(&line)) {
      texts.push_back(line.text());
      EXPECT_EQ(line.source(), "err");
      EXPECT_EQ(line.invocation(), "01JX");
      EXPECT_EQ(line.time(), "2023-11-14T22:13:20.000000Z");
    }
    EXPECT_TRUE(reader->Finish().ok());
    return texts;
  };
  EXPECT_THAT(read(0), ElementsAre("one", "two words", "three"));
  EXPECT_THAT(read(1), ElementsAre("three"));

  ClientContext context;
  admin::v1::ReadLogsRequest request;
  request.set_parent("tenants/a/functions/f");
  request.set_follow(true);
  request.set_tail(1);
  const auto stub = Logs::NewStub(channel_);
  const auto reader = stub->ReadLogs(&context, request);
  admin::v1::LogLine line;
  ASSERT_TRUE(reader->Read(&line));
  EXPECT_EQ(line.text(), "three");
  append("four");
  ASSERT_TRUE(reader->Read(&line));
  EXPECT_EQ(line.text(), "four");
  // A follower does not hold up the end.
  const absl::Time begin = absl::Now();
  world_.server().Shutdown(absl::Now() + absl::Seconds(20));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
}

TEST_F(AdminDoorTest, PoolIsShownAndVerified) {
  WorkerSnapshot worker;
  worker.worker = 1;
  worker.pool.slots.total = 7;
  worker.pool.slots.warm = 3;
  world_.pool().snapshot.workers = {worker};
  world_.pool().snapshot.growth = "ftruncate";
  world_.pool().report = {
      .verified_slots = 2, .quarantined_slots = 1, .differences = {"slot 4: byte 9"}};
  admin::v1::PoolStatus status;
  ASSERT_TRUE(Call<Pool>(&Pool::Stub::GetPool, admin::v1::GetPoolRequest(), &status).ok());
  EXPECT_EQ(status.workers(0).slots().at("warm"), 3u);
  EXPECT_EQ(status.facts().at("growth"), "ftruncate");
  admin::v1::VerifySlotsResponse verified;
  ASSERT_TRUE(
      Call<Pool>(&Pool::Stub::VerifySlots, admin::v1::VerifySlotsRequest(), &verified).ok());
  EXPECT_THAT(verified.mismatches(), ElementsAre("slot 4: byte 9"));
}

TEST_F(AdminDoorTest, ThePublicDoorHasNoAdminServices) {
  channel_ = world_.PublicChannel();
  EXPECT_EQ(CreateTenant("a").error_code(), StatusCode::UNIMPLEMENTED);
}

TEST_F(AdminDoorTest, TheSocketIsItsOwnersAlone) {
  struct stat status;
  ASSERT_EQ(::stat(world_.socket_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(AdminDoorTest, TheSocketGoesWithTheDoor) {
  world_.server().Shutdown(absl::Now());
  struct stat status;
  EXPECT_NE(::stat(world_.socket_path().c_str(), &status), 0);
}

// Connects as `uid`, and reads: 'c' when the daemon closed at once, 'h' when it talks HTTP/2.
char ConnectAs(uid_t uid, const std::string& path) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char answer = '?';
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    if (::setgid(uid) == 0 && ::setuid(uid) == 0 &&
        ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
      // The client's preface and an empty SETTINGS frame; the server's SETTINGS answer it.
      const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
      if (::send(fd, preface, sizeof(preface) - 1, MSG_NOSIGNAL) < 0) answer = 'c';
      char byte;
      answer = ::recv(fd, &byte, 1, 0) == 1 ? 'h' : 'c';
    }
    if (::write(ends[1], &answer, 1) != 1) ::_exit(1);
    ::_exit(0);
  }
  ::close(ends[1]);
  char answer = '!';
  EXPECT_EQ(::read(ends[0], &answer, 1), 1);
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return answer;
}

TEST_F(AdminDoorTest, AnotherUserIsRefusedEvenWhereTheFileWouldLetHimIn) {
  if (::geteuid() != 0) GTEST_SKIP() << "becoming another user needs root";
  const std::string path = world_.socket_path();
  ASSERT_EQ(::chmod(path.substr(0, path.rfind('/')).c_str(), 0755), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  EXPECT_EQ(ConnectAs(65534, path), 'c');
  EXPECT_EQ(ConnectAs(0, path), 'h');
  EXPECT_TRUE(CreateTenant("a").ok()) << "and the door still serves others";
}

TEST(ConnectionCap, IsKeptAndGivesBackWhatIsClosed) {
  ControlWorld world;
  ControlOptions options = world.DefaultOptions();
  options.admin_connections_max = 2;
  world.Start(options);
  const auto call = [](const std::shared_ptr<grpc::Channel>& channel) {
    ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(5)));
    admin::v1::ListTenantsResponse response;
    return Tenants::NewStub(channel)->ListTenants(&context, {}, &response);
  };
  auto first = world.AdminChannel();
  const auto second = world.AdminChannel();
  ASSERT_TRUE(call(first).ok());
  ASSERT_TRUE(call(second).ok());
  EXPECT_EQ(call(world.AdminChannel()).error_code(), StatusCode::UNAVAILABLE);
  first.reset();
  bool served = false;
  for (int i = 0; i < 100 && !served; ++i) {
    served = call(world.AdminChannel()).ok();
    if (!served) absl::SleepFor(absl::Milliseconds(20));
  }
  EXPECT_TRUE(served) << "a closed connection must be counted down";
}

TEST_F(AdminDoorTest, HealthTellsWhetherItServes) {
  const auto check = [&](const std::shared_ptr<grpc::Channel>& channel) {
    // grpc.health.v1: an empty request, status in field 1 of the answer.
    ClientContext context;
    const grpc::Slice empty;
    grpc::ByteBuffer request(&empty, 1);
    grpc::ByteBuffer response;
    const grpc::internal::RpcMethod method("/grpc.health.v1.Health/Check",
                                           grpc::internal::RpcMethod::NORMAL_RPC);
    const grpc::Status status =
        grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer>(
            channel.get(), method, &context, request, &response);
    if (!status.ok()) return absl::StrCat("error ", status.error_code());
    grpc::Slice slice;
    EXPECT_TRUE(response.DumpToSingleSlice(&slice).ok());
    return std::string(reinterpret_cast<const char*>(slice.begin()), slice.size());
  };
  EXPECT_EQ(check(world_.PublicChannel()), "\x08\x01");
  EXPECT_EQ(check(channel_), "\x08\x01");
  world_.server().SetServing(false);
  EXPECT_EQ(check(world_.PublicChannel()), "\x08\x02");
}

TEST(ListenAddress, RefusesWhatIsBeyondLoopback) {
  for (const char* text : {"0.0.0.0:80", "[::]:80", "192.168.1.1:80", "10.0.0.1:0"}) {
    EXPECT_THAT(ParseListenAddress(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("loopback")))
        << text;
  }
  for (const char* text : {"127.0.0.1:0", "127.1.2.3:80", "[::1]:80", "localhost:1", "unix:/a"}) {
    EXPECT_THAT(ParseListenAddress(text), IsOk()) << text;
  }
  for (const char* text : {"", "x", "127.0.0.1", "127.0.0.1:99999", "unix:relative", "name:80"}) {
    EXPECT_THAT(ParseListenAddress(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(ListenAddress, ADeadDaemonsSocketIsReplacedAndALivingOnesIsNot) {
  const std::string folder = test::MakeTemporaryFolder();
  const ListenAddress address{.is_unix = true, .path = folder + "/s"};
  {
    TP_ASSERT_OK_AND_ASSIGN(const ListeningSocket first, Listen(address));
    EXPECT_THAT(Listen(address), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("already")));
  }
  EXPECT_THAT(Listen(address), IsOk()) << "nobody listens any more";
  const int file = ::open((folder + "/f").c_str(), O_CREAT | O_WRONLY, 0600);
  ::close(file);
  EXPECT_THAT(Listen({.is_unix = true, .path = folder + "/f"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a socket")));
  EXPECT_THAT(Listen({.is_unix = true, .path = "/" + std::string(200, 'x')}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at most 107")));
  test::RemoveFolder(folder);
}

}  // namespace
}  // namespace tidepool::daemon
