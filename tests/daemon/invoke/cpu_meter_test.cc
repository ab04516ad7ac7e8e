#include "daemon/invoke/cpu_meter.h"

#include "gtest/gtest.h"

namespace tidepool::daemon {
namespace {

uint64_t g_cpu_ns = 0;
int g_readings = 0;
uint64_t ReadCpu() {
  ++g_readings;
  return g_cpu_ns;
}

class CpuMeterTest : public testing::Test {
 protected:
  CpuMeterTest() {
    g_cpu_ns = mark_ns_ = 5'000;
    g_readings = 0;
  }
  // Time passes, of which the thread ran `cpu_ns`.
  void Pass(uint64_t monotonic_ns, uint64_t cpu_ns) {
    now_ns_ += monotonic_ns;
    g_cpu_ns += cpu_ns;
  }
  uint64_t now_ns_ = 100;
  uint64_t mark_ns_ = 0;
  CpuMeter meter_{&mark_ns_, &ReadCpu};
};

TEST_F(CpuMeterTest, ReadsNoClockForAShortCall) {
  meter_.Resume(now_ns_);
  Pass(40, 40);
  meter_.Pause(now_ns_);
  EXPECT_EQ(meter_.EstimateNs(now_ns_), 40u);
  EXPECT_EQ(g_readings, 0);
}

TEST_F(CpuMeterTest, ChargesNoMoreThanTheThreadRan) {
  meter_.Resume(now_ns_);
  Pass(1'000, 100);  // Another process had the core.
  EXPECT_EQ(meter_.EstimateNs(now_ns_), 1'000u);
  EXPECT_EQ(meter_.ExactNs(now_ns_), 100u);
}

TEST_F(CpuMeterTest, ChargesNoMoreThanTheTimeThatPassed) {
  Pass(500, 500);  // Somebody else's, since the thread last looked.
  meter_.Resume(now_ns_);
  Pass(70, 70);
  EXPECT_EQ(meter_.ExactNs(now_ns_), 70u);
}

TEST_F(CpuMeterTest, IsExactFromTheFirstLookOn) {
  meter_.Resume(now_ns_);
  Pass(10, 10);
  meter_.ExactNs(now_ns_);
  meter_.Pause(now_ns_);
  Pass(1'000, 900);  // Others run.
  meter_.Resume(now_ns_);
  Pass(500, 30);     // It runs, and waits for the core.
  meter_.Pause(now_ns_);
  EXPECT_EQ(meter_.ExactNs(now_ns_), 40u);
  EXPECT_EQ(meter_.EstimateNs(now_ns_), 40u);
}

}  // namespace
}  // namespace tidepool::daemon
