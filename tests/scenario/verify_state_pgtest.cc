// A comparison that is stopped, and goes on.
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "scenario/verify_test.h"

namespace pghaul::test {
namespace {

class VerifyState : public VerifyTest {
 protected:
  VerifyState() {
    std::string name = std::filesystem::temp_directory_path() / "pghaul-verify-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~VerifyState() override { std::filesystem::remove_all(folder_); }

  std::string file() const { return folder_ / "verify.state"; }
  Arguments with_state(const Arguments& more = {}) const {
    Arguments arguments{"--state", file(), "--batch-bytes", "64kB"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::size_t lines() const {
    std::ifstream stream(file());
    std::size_t count = 0;
    for (std::string line; std::getline(stream, line);) ++count;
    return count;
  }
  // Kills a comparison that has got through a part.
  void kill_on_the_way() const {
    const auto begun = lines();
    auto running = start_pghaul(command("verify", with_state({"--sleep", "150ms", "--settle", "1ms"})));
    ASSERT_TRUE(wait_until([&] { return lines() > begun + 8; }));
    running.process().signal(SIGKILL);
    EXPECT_EQ(running.finish().status, 128 + SIGKILL);
    expect_no_session_left();
  }

  std::filesystem::path folder_;
};

TEST_F(VerifyState, GoesOnAfterAKill) {
  make_profiles(20'000);
  copied();
  kill_on_the_way();
  kill_on_the_way();
  const auto table = expect_equal_rows(20'000, with_state());
  EXPECT_GT(table["chunks_before"], 3);
  EXPECT_GT(table["chunks"], table["chunks_before"]);
  EXPECT_FALSE(std::filesystem::exists(file())) << "the next one has to begin anew";
}

TEST_F(VerifyState, WhatDifferedBeforeIsLookedAtAgain) {
  make_profiles(20'000);
  copied();
  target_sql("UPDATE profiles SET data = '{}' WHERE id IN (3, 30000); DELETE FROM profiles WHERE id = 60000");
  kill_on_the_way();
  target_sql("INSERT INTO profiles VALUES (4, '{}')");  // its range may be done already: it counts from the
                                                        // next run on
  const auto found = differences(verified(1, with_state()));
  for (const auto* const row : {"id=3 1:1 data", "id=30000 1:1 data", "id=60000 1:0"}) {
    EXPECT_TRUE(found.contains(row)) << row;
  }
  EXPECT_TRUE(differences(verified(1)).contains("id=4 0:1"));
}

TEST_F(VerifyState, OfAnotherComparisonIsRefused) {
  make_profiles(20'000);
  copied();
  kill_on_the_way();
  const auto before = lines();
  for (const Arguments& other :
       {Arguments{"--columns", "id"}, Arguments{"--counts"}, Arguments{"--where", "id > 5"}}) {
    const auto result = verify(with_state(other));
    EXPECT_EQ(result.status, 3) << result;
    EXPECT_THAT(result.err, HasSubstr("this file is of another comparison"));
  }
  EXPECT_EQ(lines(), before);
  expect_equal_rows(20'000, with_state());
}

TEST_F(VerifyState, TwoAtOnceAreRefused) {
  make_profiles(20'000);
  copied();
  auto running = start_pghaul(command("verify", with_state({"--sleep", "150ms"})));
  ASSERT_TRUE(wait_until([&] { return lines() > 3; }));
  EXPECT_EQ(verify(with_state()).status, 3);
  running.process().signal(SIGTERM);
  EXPECT_EQ(running.finish().status, 4);
}

TEST_F(VerifyState, AFolderThatIsNotThere) {
  make_profiles(10);
  copied();
  const auto result = verify({"--state", folder_ / "no" / "file"});
  EXPECT_NE(result.status, 0);
  EXPECT_NE(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot open the file"));
}

TEST_F(VerifyState, ASampleIsANewOneEachTime) {
  EXPECT_EQ(verify(with_state({"--sample", "1%"})).status, 2);
}

}  // namespace
}  // namespace pghaul::test
