#include "pipeline/worker_gate.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace pghaul {
namespace {

using namespace std::chrono_literals;

// Workers that do nothing but to pass the gate.
class Gate : public testing::Test {
 protected:
  void start(int workers) {
    for (int i = 0; i < workers; ++i) {
      threads_.emplace_back([this] {
        WorkPlace place(gate_);
        while (place.take() && !one_may_go_.exchange(false)) {
          ++passed_;
          std::this_thread::sleep_for(1ms);
        }
        ++ended_;
      });
    }
  }
  bool comes_to(int at_work) const { return within([&] { return gate_.at_work() == at_work; }); }
  template <typename Question>
  static bool within(const Question& is_true) {
    for (int i = 0; i < 5000 && !is_true(); ++i) std::this_thread::sleep_for(1ms);
    return is_true();
  }

  StopSource stop_;
  WorkerGate gate_{2, stop_};
  std::atomic<int> passed_{0}, ended_{0};
  std::atomic<bool> one_may_go_{false};
  std::vector<std::jthread> threads_;
};

TEST_F(Gate, AsManyWorkAsAreWanted) {
  start(6);
  for (const int wanted : {2, 5, 1, 6, 3}) {
    gate_.want(wanted);
    EXPECT_TRUE(comes_to(wanted)) << wanted;
    const int before = passed_;
    EXPECT_TRUE(within([&] { return passed_ > before + 10; })) << "they go on";
    EXPECT_EQ(gate_.at_work(), wanted);
  }
  gate_.close();
  gate_.want(0);
  threads_.clear();
  EXPECT_EQ(ended_, 6);
}

TEST_F(Gate, OneThatEndsLeavesItsPlaceToAnother) {
  gate_.want(1);
  start(3);
  for (int gone = 1; gone <= 2; ++gone) {
    ASSERT_TRUE(comes_to(1));
    one_may_go_ = true;
    EXPECT_TRUE(within([&] { return ended_ == gone; }));
    EXPECT_TRUE(comes_to(1));
  }
  one_may_go_ = true;
  EXPECT_TRUE(comes_to(0));
  threads_.clear();
}

TEST_F(Gate, AStopEndsTheirWait) {
  start(4);
  ASSERT_TRUE(comes_to(2));
  gate_.want(0);
  ASSERT_TRUE(comes_to(0));
  stop_.request(StopReason::signal);
  threads_.clear();
  EXPECT_EQ(ended_, 4);
}

}  // namespace
}  // namespace pghaul
