#include "daemon/invoke/admission.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/daemon/invoke/snapshot_builder.h"

namespace tidepool::daemon {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

class AdmissionTest : public testing::Test {
 protected:
  void Deploy(const std::vector<std::string>& tenant_limits,
              const std::vector<std::string>& function_limits = {}) {
    builder_.Tenant("a", tenant_limits);
    builder_.Deploy("a", "f", std::make_shared<FunctionRevision>(), function_limits);
    snapshot_ = builder_.Build();
  }
  std::variant<Ticket, Failure> TryAdmit(std::optional<uint64_t> declared = {}) {
    return Admit(host_, accounts_, std::get<Route>(RouteReference(*snapshot_, {"a", "f", ""})),
                 declared, now_ns_);
  }
  Ticket MustAdmit() { return std::move(std::get<Ticket>(TryAdmit())); }
  static std::string ReasonOf(const std::optional<Failure>& failure) {
    return failure.has_value() ? std::string(FactsOf(failure->reason).name) : "none";
  }
  std::string Refusal(std::optional<uint64_t> declared = {}) {
    auto result = TryAdmit(declared);
    const Failure* failure = std::get_if<Failure>(&result);
    return failure == nullptr ? "none" : ReasonOf(*failure);
  }

  HostLedger host_{{.memory_bytes = 1 * kMiB, .buffered_body_bytes_max = 300, .queued_max = 3}};
  AccountCache accounts_{host_.accounts};
  SnapshotBuilder builder_;
  std::shared_ptr<const RoutingSnapshot> snapshot_;
  uint64_t now_ns_ = 100 * kSecond;
};

TEST_F(AdmissionTest, LetsSoManyThroughPerSecondAndSaysWhenToComeBack) {
  Deploy({"rate=2"});
  EXPECT_EQ(Refusal(), "none");
  EXPECT_EQ(Refusal(), "none");
  auto refused = TryAdmit();
  ASSERT_TRUE(std::holds_alternative<Failure>(refused));
  const Failure& failure = std::get<Failure>(refused);
  EXPECT_EQ(failure.reason, Reason::TENANT_RATE);
  EXPECT_EQ(failure.limit->allowed, "2");
  EXPECT_EQ(failure.limit->set_by, "tenants/a");
  EXPECT_EQ(failure.retry_after, absl::Milliseconds(500));
  now_ns_ += kSecond / 2;
  EXPECT_EQ(Refusal(), "none");
  EXPECT_EQ(Refusal(), "TENANT_RATE");
}

TEST_F(AdmissionTest, HoldsAFunctionToItsOwnTighterRate) {
  Deploy({"rate=100"}, {"rate=1"});
  EXPECT_EQ(Refusal(), "none");
  EXPECT_EQ(Refusal(), "TENANT_RATE");
}

TEST_F(AdmissionTest, RefusesABodyThatIsDeclaredTooLarge) {
  Deploy({"request_body=100"});
  EXPECT_EQ(Refusal(100), "none");
  EXPECT_EQ(Refusal(101), "REQUEST_TOO_LARGE");
}

TEST_F(AdmissionTest, RefusesABodyThatBecomesTooLarge) {
  Deploy({"request_body=100"});
  Ticket ticket = MustAdmit();
  EXPECT_EQ(ReasonOf(ticket.Buffer(60)), "none");
  EXPECT_EQ(ReasonOf(ticket.Buffer(41)), "REQUEST_TOO_LARGE");
  EXPECT_EQ(ReasonOf(ticket.Buffer(40)), "none");
}

TEST_F(AdmissionTest, BoundsTheBodiesOfATenant) {
  Deploy({"request_body=100", "queue_bytes=150"});
  Ticket first = MustAdmit();
  EXPECT_EQ(ReasonOf(first.Buffer(100)), "none");
  {
    Ticket second = MustAdmit();
    EXPECT_EQ(ReasonOf(second.Buffer(50)), "none");
    EXPECT_EQ(ReasonOf(second.Buffer(1)), "TENANT_QUEUE_FULL");
  }
  EXPECT_EQ(ReasonOf(MustAdmit().Buffer(50)), "none") << "the second gave its bytes back";
}

TEST_F(AdmissionTest, BoundsTheBodiesOfTheHostAndGivesAllBack) {
  Deploy({});
  {
    Ticket first = MustAdmit();
    EXPECT_EQ(ReasonOf(first.Buffer(300)), "none");
    EXPECT_EQ(host_.budget.charged_bytes(), 300u);
    EXPECT_EQ(ReasonOf(MustAdmit().Buffer(1)), "HOST_CAPACITY");
  }
  EXPECT_EQ(host_.budget.charged_bytes(), 0u);
  EXPECT_EQ(host_.buffered_body_bytes.Get(), 0u);
}

TEST_F(AdmissionTest, RefusesWhileDraining) {
  Deploy({});
  host_.draining = true;
  EXPECT_EQ(Refusal(), "DRAINING");
}

TEST_F(AdmissionTest, LetsOnlySoManyRun) {
  Deploy({"concurrency=2"});
  Ticket ticket = MustAdmit();
  std::optional<Permit> first = Permit::TryAcquire(host_, ticket);
  std::optional<Permit> second = Permit::TryAcquire(host_, ticket);
  EXPECT_TRUE(first.has_value() && second.has_value());
  EXPECT_FALSE(Permit::TryAcquire(host_, ticket).has_value());
  second.reset();
  EXPECT_TRUE(Permit::TryAcquire(host_, ticket).has_value());
}

TEST_F(AdmissionTest, HoldsAFunctionToItsOwnConcurrency) {
  Deploy({"concurrency=5"}, {"concurrency=1"});
  Ticket ticket = MustAdmit();
  std::optional<Permit> first = Permit::TryAcquire(host_, ticket);
  EXPECT_FALSE(Permit::TryAcquire(host_, ticket).has_value());
  EXPECT_EQ(ticket.accounts().tenant->running.Get(), 1u) << "what was refused holds nothing";
}

TEST_F(AdmissionTest, WakesTheWorkerThatWasRefused) {
  Deploy({"concurrency=1"});
  std::vector<uint32_t> woken;
  host_.wake_for_concurrency = [&](uint32_t worker) { woken.push_back(worker); };
  Ticket ticket = MustAdmit();
  {
    std::optional<Permit> permit = Permit::TryAcquire(host_, ticket);
    EXPECT_FALSE(Permit::AcquireOrMark(host_, ticket, 70).has_value());
    EXPECT_THAT(woken, testing::ElementsAre());
  }
  EXPECT_THAT(woken, testing::ElementsAre(70u));
  Permit::TryAcquire(host_, ticket).reset();
  EXPECT_THAT(woken, testing::ElementsAre(70u)) << "once";
}

TEST_F(AdmissionTest, AnswersAtOnceWhereThereIsNoQueue) {
  Deploy({"queue=0", "concurrency=1"});
  Ticket ticket = MustAdmit();
  EXPECT_EQ(ReasonOf(ticket.Enqueue(/*could_run=*/false)), "TENANT_CONCURRENCY");
  EXPECT_EQ(ReasonOf(ticket.Enqueue(/*could_run=*/true)), "none")
      << "waiting for memory is not waiting for concurrency";
}

TEST_F(AdmissionTest, BoundsTheQueueOfATenantAndOfTheHost) {
  Deploy({"queue=2"});
  Ticket first = MustAdmit(), second = MustAdmit(), third = MustAdmit();
  EXPECT_EQ(ReasonOf(first.Enqueue(false)), "none");
  EXPECT_EQ(ReasonOf(second.Enqueue(false)), "none");
  EXPECT_EQ(ReasonOf(third.Enqueue(false)), "TENANT_QUEUE_FULL");
  first.LeaveQueue();
  EXPECT_EQ(ReasonOf(third.Enqueue(false)), "none");

  Deploy({"queue=100"});
  Ticket fourth = MustAdmit(), fifth = MustAdmit();
  EXPECT_EQ(ReasonOf(fourth.Enqueue(false)), "none");
  EXPECT_EQ(ReasonOf(fifth.Enqueue(false)), "HOST_QUEUE_FULL");
}

TEST(RateGate, HoldsItsRateOverTimeWhateverTheRhythm) {
  RateGate gate;
  uint64_t passed = 0;
  for (uint64_t now_ns = kSecond; now_ns < 11 * kSecond; now_ns += 1'234'567) {
    if (gate.TryPass(50, now_ns) == 0) ++passed;
  }
  EXPECT_GE(passed, 500u);
  EXPECT_LE(passed, 552u) << "the rate for ten seconds and one burst";
}

}  // namespace
}  // namespace tidepool::daemon
