// E4: the readers of a standby are in the way of its recovery.
#include "fault/servers_standby.h"

namespace pghaul::test {
namespace {

// The primary wins against the readers of a standby: their snapshots are cancelled when it cleans up.
class ConflictsOfAStandby : public Standby {
 protected:
  ConflictsOfAStandby() {
    admin_.source = on_primary();
    make_rows(9000);
    run_psql(on_primary(),
             "CREATE TABLE public.churn (i int) WITH (autovacuum_enabled = off); INSERT INTO public.churn "
             "SELECT generate_series(1, 1000)");
    run_psql(standby_.conninfo(), "ALTER SYSTEM SET max_standby_streaming_delay = 0");
    run_psql(standby_.conninfo(), "SELECT pg_reload_conf()");
    wait_for_standby();
    admin_.source = copier_.source = on_standby();
  }
  void clean_up_on_primary() const {
    run_psql(on_primary(), "DELETE FROM public.churn");
    run_psql(on_primary(), "INSERT INTO public.churn SELECT generate_series(1, 1000)");
    run_psql(on_primary(), "VACUUM public.churn");
  }
  int conflicts() const {
    return std::stoi(run_psql(on_standby(),
                              "SELECT confl_snapshot FROM pg_stat_database_conflicts WHERE datname = "
                              "current_database()"));
  }
};

TEST_F(ConflictsOfAStandby, E4_NowAndThen) {
  auto running = begin({"--late-rows", "ignore"});
  for (int i = 0; i < 3; ++i) {
    clean_up_on_primary();
    expect_progress(running);
  }
  const auto result = running.finish();
  EXPECT_GT(conflicts(), 0) << "no conflict, so nothing was tested";
  expect_success(result);
}

TEST_F(ConflictsOfAStandby, E4_WithASnapshotForEachChunk) {
  auto running = begin({"--late-rows", "ignore", "--snapshot", "chunk"});
  for (int i = 0; i < 20; ++i) clean_up_on_primary();
  expect_success(running.finish());
}

// A chunk whose snapshot is cancelled each time: what can be done about it is said.
TEST_F(ConflictsOfAStandby, E4_WithoutEnd) {
  auto running =
      start_pghaul(arguments({"--late-rows", "ignore", "--snapshot", "chunk", "--max-retries", "0",
                              "--readers", "1", "--max-rate", "100kB/s", "--batch-bytes", "500kB"}));
  const auto reading =
      "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE application_name LIKE "
      "'pghaul % reader%' AND relation = 'public.profiles'::regclass AND granted";
  EXPECT_TRUE(wait_until([&] { return run_psql(on_standby(), reading) != "0"; })) << running.err();
  while (!running.process().wait(Deadline::after(100ms)).has_value()) clean_up_on_primary();
  expect_failure(running.finish(), failed, {"pghaul: source: ", "SQLSTATE 40001", "hot_standby_feedback"});
  expect_completion({"--late-rows", "ignore"});
}

}  // namespace
}  // namespace pghaul::test
