// --timeout and --statement-timeout: whatever is going on, the copy ends in time, and the next one continues.
#include "scenario/stopping.h"

namespace pghaul::test {
namespace {

class Timeouts : public Stopping {
 protected:
  // A session in the background that runs `sql` and then waits until the test ends.
  RunningProgram session(const std::string& conninfo, const std::string& sql) const {
    auto options = psql_options(conninfo);
    options.argv.insert(options.argv.end(), {"-c", sql, "-c", "SELECT pg_sleep(60)"});
    return RunningProgram(options, "psql");
  }
  void wait_for_sleep(const std::string& conninfo) const {
    ASSERT_TRUE(wait_until([&] {
      return run_psql(conninfo, "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' "
                                "AND datname = current_database()") == "1";
    }));
  }
};

TEST_F(Timeouts, BetweenChunks) {
  make_profiles(20'000);
  auto running = start_copy(slow({"--timeout", "2s"}));
  const auto result = expect_stop(running, 2s);
  EXPECT_THAT(result.err, HasSubstr("the time given with --timeout is over"));
  EXPECT_TRUE(some_chunks_done());
  EXPECT_THAT(status().out, HasSubstr("public.profiles: interrupted"));
  EXPECT_TRUE(expect_completion()["tables"][0]["resumed"].get<bool>());
}

TEST_F(Timeouts, WhileTheSourceWorks) {
  make_profiles(1000);
  auto running = start_copy({"--timeout", "2s", "--where", "pg_sleep(1) IS NOT NULL"});
  expect_stop(running, 2s);
  copied();
  expect_equal();
}

TEST_F(Timeouts, WhileALockOfTheTargetIsWaitedFor) {
  make_profiles(1000);
  copied({"--max-chunks", "1000"});
  source_sql("UPDATE public.profiles SET data = '{}' WHERE id = 3");
  const auto locker = session(target_conninfo(), "BEGIN; LOCK TABLE public.profiles");
  wait_for_sleep(target_conninfo());
  auto running = start_copy({"--timeout", "2s", "--full"});
  expect_stop(running, 2s);
}

TEST_F(Timeouts, WhileLateRowsAreWaitedFor) {
  make_profiles(1000);
  const auto writer = session(source_conninfo(), "BEGIN; INSERT INTO public.profiles VALUES (2, '{}')");
  wait_for_sleep(source_conninfo());
  auto running = start_copy({"--timeout", "2s", "--late-wait", "5min"});
  expect_stop(running, 2s);
  source_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND "
             "datname = current_database()");
  expect_completion();
}

TEST_F(Timeouts, WhileAnIndexIsBuilt) {
  make_profiles(1000);
  const std::string function = "CREATE FUNCTION public.slow(jsonb) RETURNS int LANGUAGE plpgsql IMMUTABLE AS "
                               "$$BEGIN PERFORM pg_sleep({}); RETURN 1; END$$";
  source_sql(fmt::format(fmt::runtime(function), 0) + "; CREATE INDEX slow ON public.profiles (public.slow(data))");
  target_sql(fmt::format(fmt::runtime(function), 0.1));
  copy({}, {{"PGHAUL_FAILPOINTS", "index.before_build=exit"}});  // all rows are there, however slow the machine
  auto running = start_copy({"--timeout", "3s"});
  expect_stop(running, 3s);
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.profiles"), "1000");
  EXPECT_THAT(status().out, HasSubstr("no chunk is left; the next run builds indexes and finishes"));
  target_sql("CREATE OR REPLACE " + fmt::format(fmt::runtime(function.substr(7)), 0));
  const auto report = copied();
  EXPECT_EQ(report["tables"][0]["rows"], 0);
  expect_equal();
  EXPECT_EQ(target_indexes(), "profiles_name,profiles_pkey,slow");
}

TEST_F(Timeouts, BeforeAnythingIsConnected) {
  make_profiles(10);
  ASSERT_EQ(::kill(target_server().postmaster_pid(), SIGSTOP), 0);
  auto running = start_copy({"--timeout", "1s", "--connect-timeout", "1min"});
  const auto result = running.finish(15s);
  ASSERT_EQ(::kill(target_server().postmaster_pid(), SIGCONT), 0);
  EXPECT_EQ(result.status, 4) << result;
  expect_no_session_left();
  expect_completion();
}

TEST_F(Timeouts, ConnectTimeout) {
  make_profiles(10);
  for (auto* server : {&source_server(), &target_server()}) {
    ASSERT_EQ(::kill(server->postmaster_pid(), SIGSTOP), 0);
    const auto started = Deadline::Clock::now();
    const auto result = copy({"--connect-timeout", "1s"});
    EXPECT_LT(Deadline::Clock::now() - started, 9s);  // 10 s by default
    ASSERT_EQ(::kill(server->postmaster_pid(), SIGCONT), 0);
    EXPECT_EQ(result.status, 3) << result;
    const auto* const side = server == &source_server() ? "pghaul: source: " : "pghaul: target: ";
    EXPECT_THAT(result.err, HasSubstr(fmt::format("{}127.0.0.1:{}/", side, server->port())));
    EXPECT_THAT(result.err, HasSubstr("no connection within 1.00 s (--connect-timeout)"));
  }
  expect_completion();
}

// 3,000 rows of a millisecond each do not fit into a second; halves of halves do.
TEST_F(Timeouts, AChunkThatTakesTooLongIsHalved) {
  make_profiles(3000);
  const auto report = copied({"--batch-rows", "3000", "--statement-timeout", "1s", "--where",
                              "pg_sleep(0.001) IS NOT NULL"});
  expect_equal();
  EXPECT_GE(report["tables"][0]["retries"].get<int>(), 1);
  EXPECT_GE(report["tables"][0]["chunks"].get<int>(), 4);
  EXPECT_EQ(target_sql("SELECT count(*) > 0 FROM pghaul.chunk WHERE state = 'split'"), "t");
  EXPECT_EQ(target_sql("SELECT count(*) > 0 FROM pghaul.chunk_failure WHERE error LIKE '%[SQLSTATE 57014]'"), "t");
}

// One row that never comes is the end: halving stops at it, and the message says what to do.
TEST_F(Timeouts, ARowThatTakesTooLongIsAFailure) {
  make_profiles(4);
  const auto result = copy({"--statement-timeout", "1s", "--where", "id <> 6 OR pg_sleep(30) IS NOT NULL"});
  EXPECT_EQ(result.status, 5) << result;
  EXPECT_THAT(result.err, HasSubstr("[SQLSTATE 57014]"));
  EXPECT_THAT(result.err, HasSubstr("--statement-timeout"));
  expect_no_session_left();
}

}  // namespace
}  // namespace pghaul::test
