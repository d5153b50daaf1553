// A table copy has one owner; others are refused, or take it over and shut the old one out.
#include <unistd.h>

#include <signal.h>

#include "scenario/late_rows.h"
#include "scenario/stopping.h"

namespace pghaul::test {
namespace {

class Owner : public Stopping {
 protected:
  static bool has_ended(RunningProgram& running) { return running.process().wait(Deadline::after(0s)).has_value(); }
  static std::string host() {
    char name[256] = "";
    EXPECT_EQ(::gethostname(name, sizeof name - 1), 0);
    return name;
  }
  RunningProgram started(const Arguments& more = {}) const {
    auto running = start_copy(slow(more));
    EXPECT_TRUE(wait_until([&] { return some_chunks_done(2); })) << running.err();
    return running;
  }
  // Whether the target table has each row once; the ledger's sums say the same.
  void expect_exactly_once(int rows) const {
    expect_equal();
    EXPECT_EQ(target_sql("SELECT rows_done FROM pghaul.table_copy_progress"), std::to_string(rows));
  }
};

TEST_F(Owner, J1_ASecondStartIsRefused) {
  make_profiles(20'000);
  auto first = started();
  first.process().signal(SIGSTOP);  // else it may be over sooner
  const auto second = copy();
  first.process().signal(SIGCONT);
  EXPECT_EQ(second.status, 3) << second;
  EXPECT_THAT(second.err, HasSubstr("pghaul: target: public.profiles: this table copy is running: "));
  EXPECT_THAT(second.err, HasSubstr(fmt::format("process {} on host {}", first.process().pid(), host())));
  EXPECT_THAT(second.err, HasSubstr("--take-over"));
  const auto result = first.finish();
  EXPECT_EQ(result.status, 0) << result;
  expect_exactly_once(20'000);
}

// Another WHERE is another table copy, but the rows would come into the same table.
TEST_F(Owner, J3_AnotherCopyIntoTheSameTableIsRefused) {
  make_profiles(20'000);
  target_sql("CREATE TABLE public.profiles (id bigint PRIMARY KEY, data jsonb)");
  auto first = started({"--on-conflict", "skip"});
  first.process().signal(SIGSTOP);
  const auto second = copy({"--where", "id < 100", "--on-conflict", "skip"});
  first.process().signal(SIGCONT);
  EXPECT_EQ(second.status, 3) << second;
  EXPECT_THAT(second.err, HasSubstr("another table copy is writing into this table right now"));
  EXPECT_EQ(first.finish().status, 0);
  expect_equal();
}

// The one that works waits for a transaction on the source, until the other one has ended.
TEST_F(Owner, J1_OfTwoStartsAtOnceExactlyOneWorks) {
  make_profiles(2000);
  for (int round = 1; round <= 6; ++round) {
    target_sql("DROP SCHEMA IF EXISTS pghaul CASCADE; DROP TABLE IF EXISTS public.profiles");
    OpenSession writer(source_conninfo());
    writer.run("BEGIN; UPDATE public.profiles SET data = data WHERE id = 3");
    auto one = start_copy({"--late-wait", "60s"}), other = start_copy({"--late-wait", "60s"});
    EXPECT_TRUE(wait_until([&] { return has_ended(one) || has_ended(other); })) << one.err() << other.err();
    writer.run("COMMIT");
    const auto first = one.finish(), second = other.finish();
    EXPECT_EQ(std::min(first.status, second.status), 0) << round << "\n" << first << second;
    EXPECT_EQ(std::max(first.status, second.status), 3) << round << "\n" << first << second;
    EXPECT_THAT((first.status == 3 ? first : second).err, HasSubstr("this table copy is running"));
    expect_exactly_once(2000);
  }
}

TEST_F(Owner, J2_TakeOverFromOneThatSleeps) {
  make_profiles(20'000);
  auto sleeper = started();
  sleeper.process().signal(SIGSTOP);
  const auto done_before = std::stoi(chunks_done());
  const auto refused = copy();
  EXPECT_EQ(refused.status, 3) << refused;

  const auto report = copied({"--take-over"});
  EXPECT_TRUE(report["tables"][0]["resumed"].get<bool>());
  EXPECT_GE(done_before, 2);
  expect_exactly_once(20'000);

  sleeper.process().signal(SIGCONT);
  const auto woken = sleeper.finish();
  EXPECT_EQ(woken.status, 5) << woken;
  EXPECT_THAT(woken.err, HasSubstr("another process has taken this table copy over")) << woken;
  EXPECT_THAT(woken.err, HasSubstr("leave it to the new owner")) << woken;
  expect_exactly_once(20'000);
  expect_no_session_left();
}

// The old owner wakes while the new one is at work.
TEST_F(Owner, J2_TheSleeperWakesInMidCopy) {
  make_profiles(20'000);
  auto sleeper = started({"--writers", "4"});
  sleeper.process().signal(SIGSTOP);
  auto heir = start_copy(slow({"--take-over"}));
  ASSERT_TRUE(wait_until([&] { return heir.err().find("taking over from process") != std::string::npos; })) << heir.err();
  std::this_thread::sleep_for(300ms);
  sleeper.process().signal(SIGCONT);
  const auto woken = sleeper.finish();
  EXPECT_EQ(woken.status, 5) << woken;
  EXPECT_THAT(woken.err, HasSubstr("another process has taken this table copy over")) << woken;
  const auto result = heir.finish();
  EXPECT_EQ(result.status, 0) << result;
  expect_exactly_once(20'000);
}

TEST_F(Owner, TakeOverWhereNobodyIs) {
  make_profiles(100);
  copied({"--take-over"});
  expect_exactly_once(100);
}

TEST_F(Owner, A2_TheLockGoesWithTheOwner) {
  make_profiles(20'000);
  auto first = started();
  first.process().signal(SIGKILL);
  first.finish();
  expect_no_session_left();
  copied();
  expect_exactly_once(20'000);
}

// Nothing is left to do then, but the copy is not complete.
TEST_F(Owner, SomebodyRemovesRowsOfTheLedger) {
  make_profiles(20'000);
  auto running = started();
  target_sql("DELETE FROM pghaul.chunk WHERE state = 'pending'");
  const auto result = running.finish();
  EXPECT_EQ(result.status, 5) << result;
  EXPECT_THAT(result.err, HasSubstr("the ledger does not know chunks any more that are not done"));
  EXPECT_THAT(result.err, HasSubstr("with --full"));
  copied({"--full"});
  expect_exactly_once(20'000);
}

TEST_F(Owner, StatusTellsEachState) {
  EXPECT_THAT(status().out, HasSubstr("no ledger in schema pghaul: nothing was copied to this target"));
  make_profiles(20'000);
  auto running = started();
  auto shown = status();
  EXPECT_EQ(shown.status, 0) << shown;
  EXPECT_THAT(shown.out, HasSubstr("public.profiles -> public.profiles: running"));
  EXPECT_THAT(shown.out, HasSubstr(fmt::format("process {} on host {} since ", running.process().pid(), host())));
  EXPECT_THAT(shown.out, HasSubstr("a second start is refused"));

  running.process().signal(SIGKILL);
  running.finish();
  expect_no_session_left();
  shown = status();
  EXPECT_THAT(shown.out, HasSubstr("public.profiles: interrupted"));
  const auto left = target_sql("SELECT count(*) FROM pghaul.unfinished_chunks");
  EXPECT_THAT(shown.out, HasSubstr(fmt::format("the next run does the {} chunks left; no finished chunk is done again", left)));

  stopped({"--max-chunks", "1"});
  EXPECT_THAT(status().out, HasSubstr("public.profiles: paused"));
  copied();
  shown = status();
  EXPECT_THAT(shown.out, HasSubstr("public.profiles: complete"));
  EXPECT_THAT(shown.out, HasSubstr("20,000 rows"));
  EXPECT_THAT(shown.out, HasSubstr("the next run takes what the source has gained"));
}

// What status says of a complete copy is what the next run does.
TEST_F(Owner, StatusSaysWhetherTheNextRunGains) {
  source_sql("CREATE TABLE composite (a uuid, b int, PRIMARY KEY (a, b));"
             "CREATE TABLE pages (a int, b text);"
             "CREATE TABLE small (a int, b text);"
             "CREATE TABLE integers (id int PRIMARY KEY);"
             "INSERT INTO composite SELECT md5(g::text)::uuid, g FROM generate_series(1, 5000) g;"
             "INSERT INTO pages SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g;"
             "INSERT INTO small VALUES (1, 'x'); INSERT INTO integers VALUES (1); ANALYZE");
  struct Case {
    std::string table, row;
    bool gains;
  };
  for (const auto& [table, row, gains] : {Case{"composite", "'00000000-0000-0000-0000-000000000000', 0", false},
                                          {"pages", "0, 'x'", false}, {"small", "0, 'x'", true},
                                          {"integers", "7", true}}) {
    SCOPED_TRACE(table);
    const Arguments only{"--table", table, "--batch-bytes", "64kB"};
    copied(only);
    const auto shown = json_of(status({"--json"}))["tables"];
    const auto here = std::ranges::find(shown, "public." + table, [](const auto& each) {
      return each["source_table"].template get<std::string>();
    });
    ASSERT_NE(here, shown.end());
    EXPECT_TRUE((*here)["resumable"].get<bool>());
    EXPECT_THAT((*here)["resume_text"].get<std::string>(),
                HasSubstr(gains ? "the next run takes what the source has gained"
                                : "the next run has nothing to do: no key tells what is newer"));
    source_sql(fmt::format("INSERT INTO {} VALUES ({})", table, row));
    copied(only);
    EXPECT_EQ(target_sql("SELECT count(*) FROM " + table) == source_sql("SELECT count(*) FROM " + table), gains);
  }
}

TEST_F(Owner, StatusAsJson) {
  make_profiles(20'000);
  stopped({"--batch-bytes", "64kB", "--max-chunks", "3"});
  const auto document = json_of(status({"--json"}));
  ASSERT_EQ(document["tables"].size(), 1U);
  const auto& table = document["tables"][0];
  EXPECT_EQ(table["state"], "paused");
  EXPECT_EQ(table["chunks_done"], 3);
  EXPECT_GT(table["chunks_pending"].get<int>(), 0);
  EXPECT_EQ(table["rows_done"], std::stoi(target_sql("SELECT count(*) FROM public.profiles")));
  EXPECT_TRUE(table["resumable"].get<bool>());
  EXPECT_GT(table["bytes_per_second"].get<double>(), 0);
  EXPECT_GT(table["eta_seconds"].get<double>(), 0);
}

TEST_F(Owner, StatusOfAFailure) {
  make_profiles(100);
  const auto failed = copy({"--where", "1 / (id - 150) IS NOT NULL"});
  EXPECT_EQ(failed.status, 5) << failed;
  const auto shown = status();
  EXPECT_THAT(shown.out, HasSubstr("public.profiles: failed"));
  EXPECT_THAT(shown.out, HasSubstr("division by zero"));
  EXPECT_THAT(shown.out, HasSubstr("[SQLSTATE 22012]"));
}

TEST_F(Owner, StatusOfPages) {
  source_sql("CREATE TABLE public.pages (v text);"
             "INSERT INTO public.pages SELECT repeat(g::text, 50) FROM generate_series(1, 5000) g");
  stopped({"--table", "pages", "--batch-bytes", "64kB", "--max-chunks", "2"});
  EXPECT_THAT(status().out, HasSubstr("the next run copies all of it anew"));
  const auto report = copied({"--table", "pages", "--batch-bytes", "64kB"});
  EXPECT_EQ(report["tables"][0]["generation"], 2);
  EXPECT_THAT(report["tables"][0]["remarks"].dump(), HasSubstr("a new generation begins"));
  expect_equal("public.pages", "v");
}

}  // namespace
}  // namespace pghaul::test
