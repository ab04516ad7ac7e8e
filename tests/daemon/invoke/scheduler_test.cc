#include "daemon/invoke/scheduler.h"

#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/exhaustive.h"

namespace tidepool::daemon {
namespace {

using testing::ElementsAre;

TEST(ReadyQueue, TakesTenantsInTurnAndTheirItemsInOrder) {
  ReadyQueue<std::string> queue;
  queue.Push(1, "a1");
  queue.Push(1, "a2");
  queue.Push(1, "a3");
  queue.Push(2, "b1");
  queue.Push(3, "c1");
  std::vector<std::string> order;
  while (!queue.empty()) order.push_back(queue.Pop());
  EXPECT_THAT(order, ElementsAre("a1", "b1", "c1", "a2", "a3"));
}

TEST(ReadyQueue, GivesATenantOfOneHalfTheTurnsBesideATenantOfMany) {
  ReadyQueue<int> queue;
  for (int i = 0; i < 50; ++i) queue.Push(1, 1);
  queue.Push(2, 2);
  std::map<int, int> turns;
  for (int i = 0; i < 100; ++i) {
    const int tenant = queue.Pop();
    ++turns[tenant];
    queue.Push(static_cast<uint64_t>(tenant), tenant);
  }
  EXPECT_EQ(turns[1], 50);
  EXPECT_EQ(turns[2], 50);
}

struct Request : WaitingEntry {
  Request(uint64_t of_tenant, const void* of_function, uint64_t deadline) {
    tenant = of_tenant;
    function = of_function;
    deadline_ns = deadline;
  }
};
const int kF = 0;
const int kG = 0;
constexpr auto kAny = [](Request*) { return true; };

TEST(WaitingQueue, StartsTenantsInTurn) {
  Request a1(1, &kF, 9), a2(1, &kF, 9), b1(2, &kF, 9);
  WaitingQueue<Request> queue;
  queue.Add(&a1);
  queue.Add(&a2);
  queue.Add(&b1);
  std::vector<Request*> order;
  const auto take = [&](Request* request) {
    order.push_back(request);
    return true;
  };
  while (queue.StartNext(take)) {
  }
  EXPECT_THAT(order, ElementsAre(&a1, &b1, &a2));
  EXPECT_TRUE(queue.empty());
}

TEST(WaitingQueue, LetsAFunctionPassAnotherThatIsBlocked) {
  Request f1(1, &kF, 9), g1(1, &kG, 9);
  WaitingQueue<Request> queue;
  queue.Add(&f1);
  queue.Add(&g1);
  Request* started = nullptr;
  ASSERT_TRUE(queue.StartNext([&](Request* request) {
    if (request->function == &kF) return false;
    started = request;
    return true;
  }));
  EXPECT_EQ(started, &g1);
  EXPECT_EQ(queue.count(), 1u);
}

TEST(WaitingQueue, KeepsThePlaceOfOneThatTriedInVain) {
  Request first(1, &kF, 9), second(1, &kF, 9);
  WaitingQueue<Request> queue;
  queue.Add(&first);
  queue.Add(&second);
  ASSERT_TRUE(queue.StartNext(kAny));
  queue.AddAgain(&first);
  Request* next = nullptr;
  queue.StartNext([&](Request* request) {
    next = request;
    return true;
  });
  EXPECT_EQ(next, &first);
}

TEST(WaitingQueue, GivesUpThoseWhoseDeadlinePassed) {
  Request late(1, &kF, 30), soon(1, &kF, 10), other(2, &kF, 20);
  WaitingQueue<Request> queue;
  queue.Add(&late);
  queue.Add(&soon);
  queue.Add(&other);
  EXPECT_EQ(queue.NextDeadlineNs(), 10u);
  EXPECT_THAT(queue.TakeExpired(9), ElementsAre());
  EXPECT_THAT(queue.TakeExpired(20), ElementsAre(&soon, &other));
  EXPECT_FALSE(queue.HasTenant(2));
  EXPECT_EQ(queue.count(), 1u);
}

// Every sequence of six operations on requests of two tenants, against the simplest model: a list.
TEST(WaitingQueueExhaustive, HoldsWhatWasAddedAndNotTaken) {
  test::Exhaustive choose;
  while (choose.Next()) {
    std::vector<Request> requests = {{1, &kF, 1}, {1, &kG, 2}, {2, &kF, 3}};
    WaitingQueue<Request> queue;
    std::vector<Request*> model;
    for (int step = 0; step < 6; ++step) {
      Request* request = &requests[choose.Choose(3)];
      const auto held = std::find(model.begin(), model.end(), request);
      if (held == model.end()) {
        queue.Add(request);
        model.push_back(request);
      } else if (choose.Choose(2) == 0) {
        queue.Remove(request);
        model.erase(held);
      } else {
        Request* started = nullptr;
        ASSERT_TRUE(queue.StartNext([&](Request* next) {
          started = next;
          return true;
        }));
        ASSERT_EQ(std::count(model.begin(), model.end(), started), 1);
        model.erase(std::find(model.begin(), model.end(), started));
      }
      ASSERT_EQ(queue.count(), model.size());
      for (const uint64_t tenant : {1, 2}) {
        ASSERT_EQ(queue.HasTenant(tenant), std::any_of(model.begin(), model.end(), [&](Request* r) {
                    return r->tenant == tenant;
                  }));
      }
    }
  }
}

}  // namespace
}  // namespace tidepool::daemon
