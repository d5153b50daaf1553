// Servers that go away in mid-copy, for a moment or for longer.
#include "scenario/stopping.h"
#include "support/message.h"

namespace pghaul::test {
namespace {

using pg::ThrowawayServer;

class LostServer : public Stopping {
 protected:
  // Starts a copy and returns when some of it is done.
  RunningProgram begin(const Arguments& more) const {
    auto running = start_copy(slow(more));
    EXPECT_TRUE(wait_until([&] { return some_chunks_done(3); })) << running.err();
    return running;
  }
  void expect_survival(ThrowawayServer& server, ThrowawayServer::StopMode mode, const std::string& points_in_time) const {
    make_profiles(15'000);
    auto running = begin({"--reconnect-timeout", "30s", "--json"});
    server.restart(mode);
    const auto result = running.finish();
    EXPECT_EQ(result.status, 0) << result;
    EXPECT_THAT(json_of(result)["snapshot_text"].get<std::string>(), HasSubstr(points_in_time));
    EXPECT_EQ(json_of(result)["tables"][0]["rows_total"], 15'000);
    expect_equal();
    EXPECT_EQ(target_indexes(), "profiles_name,profiles_pkey");
  }
  // The server is away for longer than it is waited for.
  ProgramResult stay_away(ThrowawayServer& server, const Arguments& more = {}) const {
    make_profiles(15'000);
    Arguments arguments{"--reconnect-timeout", "2s"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto running = begin(arguments);
    server.stop(ThrowawayServer::StopMode::immediate);
    const auto stopped = Deadline::Clock::now();
    const auto result = running.finish();
    EXPECT_LT(Deadline::Clock::now() - stopped, 30s) << result;  // 60 s by default
    server.start();
    EXPECT_EQ(result.status, 5) << result;
    EXPECT_EQ(missing_parts(result), "") << result;
    return result;
  }
};

TEST_F(LostServer, C2_TargetCrashesAndComesBack) {
  expect_survival(target_server(), ThrowawayServer::StopMode::immediate, "one point in time");
}

TEST_F(LostServer, C5_TargetIsRestarted) {
  expect_survival(target_server(), ThrowawayServer::StopMode::fast, "one point in time");
}

TEST_F(LostServer, C1_SourceCrashesAndComesBack) {
  expect_survival(source_server(), ThrowawayServer::StopMode::immediate, "several points in time: 2 snapshots");
}

TEST_F(LostServer, C5_SourceIsRestarted) {
  expect_survival(source_server(), ThrowawayServer::StopMode::fast, "several points in time: 2 snapshots");
}

// A resumed copy goes on with what the source has gained: the control sessions are needed once more.
TEST_F(LostServer, BothAreRestartedWhileAResumedCopyRuns) {
  make_profiles(15'000);
  stopped({"--batch-bytes", "64kB", "--max-chunks", "2"});
  add_profiles(100, 15'001);
  auto running = start_copy(slow({"--reconnect-timeout", "30s", "--json"}));
  ASSERT_TRUE(wait_until([&] { return some_chunks_done(5); })) << running.err();
  source_server().restart(ThrowawayServer::StopMode::fast);
  target_server().restart(ThrowawayServer::StopMode::immediate);
  const auto result = running.finish();
  EXPECT_EQ(result.status, 0) << result;
  expect_equal();
  EXPECT_EQ(target_indexes(), "profiles_name,profiles_pkey");
}

// Before the first row moves, while late rows settle: nothing permanent has happened, so it is got over like any loss.
TEST_F(LostServer, BothAreRestartedWhileLateRowsAreWaitedFor) {
  make_profiles(300);
  auto options = psql_options(source_conninfo());
  options.argv.insert(options.argv.end(), {"-c", "BEGIN; INSERT INTO public.profiles DEFAULT VALUES; SELECT pg_sleep(60)"});
  RunningProgram writer(options, "psql");
  const auto writes = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'BEGIN; INSERT%' AND wait_event = 'PgSleep'";
  ASSERT_TRUE(wait_until([&] { return source_sql(writes) == "1"; }));
  auto running = start_copy({"--reconnect-timeout", "30s", "--late-wait", "50s"});
  const auto waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pghaul % control' "
                     "AND query LIKE '%virtualtransaction%'";
  ASSERT_TRUE(wait_until([&] { return source_sql(waits) == "1"; })) << running.err();
  target_server().restart(ThrowawayServer::StopMode::immediate);
  source_server().restart(ThrowawayServer::StopMode::immediate);
  writer.finish();
  const auto result = running.finish();
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.err, HasSubstr("trying again"));
  expect_equal();
}

TEST_F(LostServer, H9_TargetIsAwayWhileAnIndexIsBuilt) {
  make_profiles(1000);
  // How long an index takes stands in a table.
  for (const auto& [conninfo, pause] : {std::pair{source_conninfo(), 0.0}, {target_conninfo(), 0.1}}) {
    run_psql(conninfo, fmt::format("CREATE TABLE public.pause AS SELECT {} AS s;"
                                   "CREATE FUNCTION public.slow(jsonb) RETURNS int LANGUAGE plpgsql IMMUTABLE AS "
                                   "$$BEGIN PERFORM pg_sleep(s) FROM public.pause; RETURN 1; END$$", pause));
  }
  source_sql("CREATE INDEX slow ON public.profiles (public.slow(data))");
  auto running = start_copy({"--reconnect-timeout", "1min"});
  const auto building = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX \"slow%'";
  ASSERT_TRUE(wait_until([&] { return target_sql(building) != "0"; }));
  target_sql("UPDATE public.pause SET s = 0");
  target_server().stop(ThrowawayServer::StopMode::immediate);
  std::this_thread::sleep_for(7s);
  target_server().start();
  const auto result = running.finish();
  EXPECT_EQ(result.status, 0) << result;
  expect_equal();
  EXPECT_EQ(target_indexes(), "profiles_name,profiles_pkey,slow");
}

TEST_F(LostServer, F1_OneSnapshotIsRequiredAndLost) {
  make_profiles(15'000);
  auto running = begin({"--require-one-snapshot"});
  source_server().restart(ThrowawayServer::StopMode::fast);
  const auto result = running.finish();
  EXPECT_EQ(result.status, 5) << result;
  EXPECT_THAT(result.err, HasSubstr("the snapshot was lost, and --require-one-snapshot"));
  EXPECT_THAT(result.err, HasSubstr("--full, or without --require-one-snapshot"));
  const auto again = copy({"--require-one-snapshot"});
  EXPECT_EQ(again.status, 3) << again;
  EXPECT_THAT(again.err, HasSubstr("what is left would be read in another snapshot than what is done"));
  expect_completion();
}

TEST_F(LostServer, TargetStaysAway) {
  const auto result = stay_away(target_server());
  EXPECT_THAT(result.err, HasSubstr("pghaul: target: "));
  EXPECT_THAT(result.err, HasSubstr("every chunk finished before is kept"));
  EXPECT_THAT(result.err, HasSubstr("lost connection"));
  EXPECT_TRUE(expect_completion()["tables"][0]["resumed"].get<bool>());
}

// However many sessions wait for it, they wait at the same time.
TEST_F(LostServer, TargetStaysAwayFromManyWriters) {
  make_profiles(15'000);
  auto running = begin({"--reconnect-timeout", "6s", "--writers", "6"});
  target_server().stop(ThrowawayServer::StopMode::immediate);
  const auto stopped = Deadline::Clock::now();
  const auto result = running.finish();
  const auto took = Deadline::Clock::now() - stopped;
  target_server().start();
  EXPECT_EQ(result.status, 5) << result;
  EXPECT_EQ(missing_parts(result), "") << result;
  EXPECT_GE(took, 6s);
  EXPECT_LT(took, 24s) << result;  // one after the other it would be 36
  expect_completion();
}

TEST_F(LostServer, SourceStaysAway) {
  const auto result = stay_away(source_server());
  EXPECT_THAT(result.err, HasSubstr("pghaul: source: "));
  EXPECT_THAT(result.err, HasSubstr("every chunk finished before is kept"));
  EXPECT_TRUE(expect_completion()["tables"][0]["resumed"].get<bool>());
}

// Single sessions that somebody ends cost a retry, whichever they are.
TEST_F(LostServer, C6_SessionsAreTerminated) {
  make_profiles(15'000);
  auto running = begin({"--json"});
  const auto terminate = [&](const std::string& conninfo, const std::string& role) {
    run_psql(conninfo, fmt::format("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                                   "current_database() AND application_name LIKE 'pghaul % {}%'", role));
    std::this_thread::sleep_for(200ms);
  };
  terminate(source_conninfo(), "reader");
  terminate(target_conninfo(), "writer");
  terminate(target_conninfo(), "ledger");
  terminate(source_conninfo(), "snapshot");
  terminate(source_conninfo(), "control");
  terminate(target_conninfo(), "preflight");
  const auto result = running.finish();
  EXPECT_EQ(result.status, 0) << result;
  expect_equal();
  EXPECT_EQ(target_indexes(), "profiles_name,profiles_pkey");
}

}  // namespace
}  // namespace pghaul::test
