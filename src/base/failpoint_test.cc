#include "base/failpoint.h"

#include <chrono>
#include <set>
#include <thread>

#include <signal.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pghaul/error.h"

namespace pghaul {
namespace {

TEST(Failpoints, NamesAreDistinct) {
  const auto& names = failpoint_names();
  EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
  EXPECT_THAT(names, testing::Contains(fp::chunk_after_commit));
}

#ifdef PGHAUL_WITH_FAILPOINTS

class FailpointTest : public testing::Test {
 protected:
  void TearDown() override { configure_failpoints(""); }
};

bool fails(std::string_view name) {
  try {
    failpoint(name);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::transient);
    EXPECT_EQ(error.what(), "failpoint " + std::string(name));
    return true;
  }
  return false;
}

TEST_F(FailpointTest, NothingHappensUnlessConfigured) {
  for (const auto name : failpoint_names()) EXPECT_FALSE(fails(name));
}

TEST_F(FailpointTest, TheFirstHitIsTheDefault) {
  configure_failpoints("batch.read=error");
  EXPECT_FALSE(fails(fp::rows_sent));
  EXPECT_TRUE(fails(fp::batch_read));
  EXPECT_FALSE(fails(fp::batch_read));
}

TEST_F(FailpointTest, CountsTheHitsOfItsOwnName) {
  configure_failpoints("batch.read=error@3;rows.sent=error@2;");
  EXPECT_FALSE(fails(fp::batch_read));
  EXPECT_FALSE(fails(fp::rows_sent));
  EXPECT_FALSE(fails(fp::batch_read));
  EXPECT_TRUE(fails(fp::rows_sent));
  EXPECT_TRUE(fails(fp::batch_read));
  EXPECT_FALSE(fails(fp::batch_read));
}

TEST_F(FailpointTest, StarIsEveryHit) {
  configure_failpoints("batch.read=error@*");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(fails(fp::batch_read));
}

TEST_F(FailpointTest, OneNameMayHaveSeveralRules) {
  configure_failpoints("batch.read=error@1;batch.read=error@3");
  EXPECT_TRUE(fails(fp::batch_read));
  EXPECT_FALSE(fails(fp::batch_read));
  EXPECT_TRUE(fails(fp::batch_read));
}

TEST_F(FailpointTest, SleepTakesItsTime) {
  configure_failpoints("batch.read=sleep(50)");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(fails(fp::batch_read));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(50));
}

TEST_F(FailpointTest, ASleepingThreadDoesNotHoldUpOthers) {
  configure_failpoints("batch.read=sleep(2000);rows.sent=error@2");
  std::thread sleeper([] { failpoint(fp::batch_read); });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(fails(fp::rows_sent));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_TRUE(fails(fp::rows_sent));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(1500));
  sleeper.join();
}

TEST_F(FailpointTest, DiesAsToldTo) {
  const auto hit = [](const char* rule) {
    configure_failpoints(rule);
    failpoint(fp::batch_read);
  };
  EXPECT_EXIT(hit("batch.read=kill9"), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(hit("batch.read=exit"), testing::ExitedWithCode(1), "");
  EXPECT_EXIT(hit("batch.read=exit(7)"), testing::ExitedWithCode(7), "");
}

TEST_F(FailpointTest, AnUnknownNameListsTheKnownOnes) {
  try {
    configure_failpoints("batch.read=error;no.such=kill9");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_STREQ(error.what(), "PGHAUL_FAILPOINTS: 'no.such=kill9': unknown name 'no.such'");
    for (const auto name : failpoint_names()) EXPECT_THAT(error.advice(), testing::HasSubstr(std::string(name)));
  }
  EXPECT_FALSE(fails(fp::batch_read)) << "half of a wrong specification was taken";
}

TEST_F(FailpointTest, WrongRulesAreRefused) {
  for (const char* text : {"batch.read", "batch.read=", "batch.read=fail", "batch.read=error@", "batch.read=error@0",
                           "batch.read=error@-1", "batch.read=error@x", "batch.read=sleep", "batch.read=sleep()",
                           "batch.read=sleep(5", "batch.read=sleep(x)", "batch.read=error(5)", "=error", "kill9",
                           "batch.read=kill9 "}) {
    EXPECT_THROW(configure_failpoints(text), Error) << text;
  }
}

#endif

}  // namespace
}  // namespace pghaul
