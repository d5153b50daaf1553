// Whatever a copy dies of, and wherever: the next run completes it, and no row is there twice or missing.
#include <random>

#include <signal.h>

#include "scenario/resume.h"

namespace pghaul::test {
namespace {

TEST(Failpoints, ScenariosNameThoseThatExist) {
  const auto all = names();
  for (const auto& name : in_later_runs) EXPECT_THAT(all, testing::Contains(name));
}

TEST(Failpoints, TheProgramHasThoseThatAreTested) {
  std::string expected;
  for (const auto name : failpoint_names()) expected += fmt::format("{}\n", name);
  EXPECT_EQ(run_pghaul({"--list-failpoints"}).out, expected);
}

class ResumeAfter : public Resume, public testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(Failpoint, ResumeAfter, testing::ValuesIn(names_of_first_copy()), as_identifier);

TEST_P(ResumeAfter, A1_Kill) {
  make_tables();
  for (int hit = 1; hit <= hits_in_first_copy(GetParam()); ++hit) {
    forget_target();
    const auto action = fmt::format("kill9@{}", hit);
    const auto result = copy(three_tables(), failing(GetParam(), action));
    ASSERT_EQ(result.status, killed) << GetParam() << " was not met " << hit << " times: " << result;
    expect_recovery(action);
  }
}

// Of a second generation: the table is emptied, and its indexes are there.
TEST_F(Resume, A1_KillsInAFullCopyAnew) {
  make_tables();
  expect_recovery("first copy");
  for (const auto* name : {"target.before_empty", "target.emptied", "plan.saved", "chunk.marked", "chunk.after_commit"}) {
    const auto result = copy(three_tables({"--full"}), failing(name, "kill9@2"));
    ASSERT_EQ(result.status, killed) << name << result;
    expect_recovery(name);
  }
  EXPECT_GE(std::stoi(target_sql("SELECT max(generation) FROM pghaul.table_copy")), 5);
}

// Chunks of later runs replace what is there: a kill between emptying and filling must leave neither.
TEST_F(Resume, A1_KillsWhileAGainIsTaken) {
  make_profiles(600);
  copied({"--batch-rows", "50"});
  int rows = 600;
  for (const auto* name : {"plan.before_save", "plan.saved", "chunk.marked", "rows.sent", "chunk.before_commit",
                           "chunk.after_commit", "job.before_finish", "job.finished"}) {
    add_profiles(100, rows + 1);
    rows += 100;
    const auto result = copy({"--batch-rows", "50"}, failing(name, "kill9"));
    ASSERT_EQ(result.status, killed) << name << result;
    copied({"--batch-rows", "50"});
    expect_equal();
  }
}

TEST_F(Resume, A3_KilledTenTimesAtRandomMoments) {
  make_tables();
  source_sql("INSERT INTO public.profiles SELECT g * 3, jsonb_build_object('name', 'n' || g) "
             "FROM generate_series(1501, 4000) g");
  const auto seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::minstd_rand random(seed);
  int kills = 0;
  while (kills < 10) {
    auto running = start_copy(three_tables({"--sleep", "5ms"}));
    std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution(100, 700)(random)));
    running.process().signal(SIGKILL);
    const auto result = running.finish();
    ASSERT_TRUE(result.status == killed || result.status == 0) << result;
    if (result.status == killed) ++kills;
    // Done before all ten: from the beginning.
    if (result.status == 0) forget_target();
  }
  expect_recovery("ten kills");
}

}  // namespace
}  // namespace pghaul::test
