// Many at once: neighbours of a busy guest, queues, clients that leave, the host's budget.
#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/daemon/http/test_client.h"
#include "tests/daemon/http/test_server.h"

namespace tidepool::daemon {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
const WasmBytes kOkModule = AnsweringHandler("HTTP/1.1 200 OK\r\n\r\nok\n");

void SendGet(TestClient& client, absl::string_view target) {
  client.Send(absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: x\r\n\r\n"));
}

void AwaitRunning(TestServer& server, uint64_t count) {
  const absl::Time until = absl::Now() + absl::Seconds(30);
  while (absl::Now() < until) {
    uint64_t running = 0;
    for (const WorkerSnapshot& worker : server.plane().Snapshot().workers) running += worker.running;
    if (running == count) return;
    absl::SleepFor(absl::Milliseconds(1));
  }
  ADD_FAILURE() << "never were " << count << " running";
}

TEST(Fairness, ServesNeighboursOfAnEndlessLoopOnTheSameThread) {
  TestServer server;
  server.Deploy("bad", "loop", LoopingHandler(), GuestAbi::kHandler, {"cpu=1h", "wall=3s"});
  server.Deploy("good", "ok", kOkModule);
  TestClient loop(server.port());
  SendGet(loop, "/f/bad/loop");
  AwaitRunning(server, 1);
  TestClient neighbour(server.port());
  for (int i = 0; i < 5; ++i) {
    const absl::Time start = absl::Now();
    EXPECT_EQ(neighbour.Get("/f/good/ok").status, 200);
    EXPECT_LT(absl::Now() - start, absl::Seconds(1));
  }
  EXPECT_EQ(loop.Receive().reason(), "WALL_LIMIT");
}

TEST(Fairness, GivesATenantOfOneItsShareBesideATenantOfMany) {
  TestServer server;
  server.Deploy("many", "loop", LoopingHandler(), GuestAbi::kHandler, {"cpu=1h", "wall=4s"});
  server.Deploy("one", "loop", LoopingHandler(), GuestAbi::kHandler, {"cpu=200ms", "wall=1m"});
  std::vector<std::unique_ptr<TestClient>> crowd;
  for (int i = 0; i < 10; ++i) {
    crowd.push_back(std::make_unique<TestClient>(server.port()));
    SendGet(*crowd.back(), "/f/many/loop");
  }
  AwaitRunning(server, 10);
  // Half of every millisecond is its own: 200 ms of CPU time come within far less than the 2.2 s
  // that an eleventh of the turns would take.
  const absl::Time start = absl::Now();
  EXPECT_EQ(Get(server.port(), "/f/one/loop").reason(), "CPU_LIMIT");
  EXPECT_LT(absl::Now() - start, absl::Milliseconds(1800));
  for (auto& client : crowd) EXPECT_EQ(client->Receive().reason(), "WALL_LIMIT");
}

TEST(Fairness, SleepersDoNotHoldTheThread) {
  TestServer server;
  server.Deploy("t", "sleep", SleepingHandler(300 * kMillisecond));
  std::vector<std::unique_ptr<TestClient>> clients;
  const absl::Time start = absl::Now();
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<TestClient>(server.port()));
    SendGet(*clients.back(), "/f/t/sleep");
  }
  for (auto& client : clients) EXPECT_EQ(client->Receive().status, 200);
  EXPECT_LT(absl::Now() - start, absl::Seconds(5)) << "twenty in a row would take six";
}

TEST(Queues, LetOnlySoManyRunAndTheOthersWait) {
  TestServer server;
  server.Deploy("t", "sleep", SleepingHandler(100 * kMillisecond), GuestAbi::kHandler,
                {"concurrency=2"});
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<TestClient>(server.port()));
    SendGet(*clients.back(), "/f/t/sleep");
  }
  AwaitRunning(server, 2);
  for (auto& client : clients) EXPECT_EQ(client->Receive().status, 200);
}

TEST(Queues, RefuseWhoFindsThemFull) {
  TestServer server;
  server.Deploy("none", "sleep", SleepingHandler(500 * kMillisecond), GuestAbi::kHandler,
                {"concurrency=1", "queue=0"});
  server.Deploy("one", "sleep", SleepingHandler(500 * kMillisecond), GuestAbi::kHandler,
                {"concurrency=1", "queue=1"});
  TestClient running(server.port());
  SendGet(running, "/f/none/sleep");
  AwaitRunning(server, 1);
  const TestResponse at_once = Get(server.port(), "/f/none/sleep");
  EXPECT_EQ(at_once.status, 429);
  EXPECT_EQ(at_once.reason(), "TENANT_CONCURRENCY");
  EXPECT_TRUE(at_once.headers.contains("retry-after"));
  TestClient first(server.port()), second(server.port());
  SendGet(first, "/f/one/sleep");
  AwaitRunning(server, 2);
  SendGet(second, "/f/one/sleep");
  while (server.plane().Snapshot().queued == 0) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_EQ(Get(server.port(), "/f/one/sleep").reason(), "TENANT_QUEUE_FULL");
  EXPECT_EQ(first.Receive().status, 200);
  EXPECT_EQ(second.Receive().status, 200);
  EXPECT_EQ(running.Receive().status, 200);
}

TEST(Queues, RefuseWhoFindsTheHostsFull) {
  TestServer::Options options;
  options.queued_max = 1;
  TestServer server(options);
  server.Deploy("t", "sleep", SleepingHandler(300 * kMillisecond), GuestAbi::kHandler,
                {"concurrency=1"});
  TestClient running(server.port()), waiting(server.port());
  SendGet(running, "/f/t/sleep");
  AwaitRunning(server, 1);
  SendGet(waiting, "/f/t/sleep");
  while (server.plane().Snapshot().queued == 0) absl::SleepFor(absl::Milliseconds(1));
  const TestResponse refused = Get(server.port(), "/f/t/sleep");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.reason(), "HOST_QUEUE_FULL");
  EXPECT_EQ(running.Receive().status, 200);
  EXPECT_EQ(waiting.Receive().status, 200);
}

TEST(Queues, GiveUpAtTheDeadline) {
  TestServer server;
  server.Deploy("t", "sleep", SleepingHandler(1000 * kMillisecond), GuestAbi::kHandler,
                {"concurrency=1"});
  TestClient running(server.port());
  SendGet(running, "/f/t/sleep");
  AwaitRunning(server, 1);
  const TestResponse late =
      Get(server.port(), "/f/t/sleep", "X-Tidepool-Deadline-Ms: 100\r\n");
  EXPECT_EQ(late.status, 504);
  EXPECT_EQ(late.reason(), "QUEUE_DEADLINE");
  EXPECT_EQ(running.Receive().status, 200);
}

TEST(Queues, WaitForASlotAndSayHostCapacityAtTheDeadline) {
  TestServer::Options options;
  options.slots = 1;
  TestServer server(options);
  server.Deploy("t", "sleep", SleepingHandler(600 * kMillisecond));
  server.Deploy("u", "ok", kOkModule);
  TestClient running(server.port());
  SendGet(running, "/f/t/sleep");
  AwaitRunning(server, 1);
  const TestResponse late = Get(server.port(), "/f/u/ok", "X-Tidepool-Deadline-Ms: 100\r\n");
  EXPECT_EQ(late.status, 503);
  EXPECT_EQ(late.reason(), "HOST_CAPACITY");
  EXPECT_EQ(late.headers.at("x-tidepool-fault"), "host");
  EXPECT_EQ(Get(server.port(), "/f/u/ok").status, 200) << "it waits for the slot";
  EXPECT_EQ(running.Receive().status, 200);
}

TEST(Queues, RefuseAboveTheRate) {
  TestServer server;
  server.Deploy("t", "ok", kOkModule, GuestAbi::kHandler, {"rate=2"});
  TestClient client(server.port());
  EXPECT_EQ(client.Get("/f/t/ok").status, 200);
  EXPECT_EQ(client.Get("/f/t/ok").status, 200);
  const TestResponse refused = client.Get("/f/t/ok");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.reason(), "TENANT_RATE");
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
}

TEST(Clients, ThatLeaveAreDroppedFromTheQueueAndStoppedWhenRunning) {
  TestServer server;
  server.Deploy("t", "loop", LoopingHandler(), GuestAbi::kHandler,
                {"concurrency=1", "cpu=1h", "wall=1h"});
  TestClient running(server.port()), waiting(server.port());
  SendGet(running, "/f/t/loop");
  AwaitRunning(server, 1);
  SendGet(waiting, "/f/t/loop");
  while (server.plane().Snapshot().queued == 0) absl::SleepFor(absl::Milliseconds(1));
  waiting.Close();
  const absl::Time until = absl::Now() + absl::Seconds(10);
  while (server.plane().Snapshot().queued > 0 && absl::Now() < until) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  EXPECT_EQ(server.plane().Snapshot().queued, 0u);
  running.Close();
  AwaitRunning(server, 0);
}

TEST(Budget, IsKeptByTwoTenantsThatWantFourTimesAsMuch) {
  TestServer::Options options;
  options.workers = 2;
  options.slots = 64;
  options.memory_bytes = 96 << 20;
  TestServer server(options);
  // Each takes 24 MiB and holds it for a while: sixteen at once would be four times the budget.
  for (const char* tenant : {"x", "y"}) {
    server.Deploy(tenant, "grow", GrowingHandler(24 * 16, 50 * kMillisecond), GuestAbi::kHandler,
                  {"memory=64MiB", "stack=64KiB"});
  }
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> peak{0};
  std::thread watcher([&] {
    while (!stop) {
      peak = std::max(peak.load(), server.plane().Snapshot().memory_charged_bytes);
    }
  });
  std::atomic<int> served{0}, refused{0}, other{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 16; ++i) {
    callers.emplace_back([&, i] {
      TestClient client(server.port());
      for (int n = 0; n < 5; ++n) {
        const TestResponse response = client.Get(i % 2 == 0 ? "/f/x/grow" : "/f/y/grow");
        if (response.status == 200) {
          ++served;
        } else if (response.reason() == "HOST_CAPACITY") {
          ++refused;
        } else {
          ++other;
          ADD_FAILURE() << response.status << " " << response.body;
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  stop = true;
  watcher.join();
  EXPECT_LE(peak.load(), options.memory_bytes);
  EXPECT_GT(peak.load(), options.memory_bytes / 2) << "nobody wanted much: this proves nothing";
  EXPECT_GT(refused.load(), 0);
  EXPECT_GT(served.load(), 0);
  EXPECT_EQ(other.load(), 0);
  for (const char* target : {"/f/x/grow", "/f/y/grow"}) {
    EXPECT_EQ(Get(server.port(), target).status, 200) << "and afterwards everybody is served";
  }
}

TEST(Workers, TakeOverWhatWaitsWhenTheyAreIdle) {
  TestServer::Options options;
  options.workers = 2;
  TestServer server(options);
  server.Deploy("t", "loop", LoopingHandler(), GuestAbi::kHandler, {"cpu=300ms", "wall=1m"});
  // All on one connection's worker: the others go where there is room.
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<TestClient>(server.port()));
    SendGet(*clients.back(), "/f/t/loop");
  }
  for (auto& client : clients) EXPECT_EQ(client->Receive().reason(), "CPU_LIMIT");
  for (const WorkerSnapshot& worker : server.plane().Snapshot().workers) {
    EXPECT_GT(worker.finished, 0u) << "worker " << worker.worker;
  }
}

TEST(Workers, AreVerifiedAndCounted) {
  TestServer server;
  server.Deploy("t", "ok", kOkModule);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get(server.port(), "/f/t/ok").status, 200);
  const VerifyReport report = server.plane().Verify();
  EXPECT_GE(report.verified_slots, 1u);
  EXPECT_EQ(report.quarantined_slots, 0u);
  EXPECT_THAT(report.differences, testing::IsEmpty());
  EXPECT_FALSE(server.plane().ListStorages().empty());
  EXPECT_THAT(server.metrics().Expose(),
              testing::HasSubstr("tidepool_invocations_total{tenant=\"t\",function=\"ok\""));
}

}  // namespace
}  // namespace tidepool::daemon
