// E4: the readers of a standby are in the way of its recovery.
#include "fault/servers_standby.h"

namespace pghaul::test {
namespace {

// The primary wins against the readers of a standby: their snapshots are cancelled when it cleans up.
class ConflictsOfAStandby : public Standby {
 protected:
  ConflictsOfAStandby() : Standby(shared_servers()) {
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
  // Of all that this test's database has met.
  int conflicts(const std::string& kind) const {
    return std::stoi(
        run_psql(on_standby(), fmt::format("SELECT {} FROM pg_stat_database_conflicts WHERE datname = "
                                           "current_database()",
                                           kind)));
  }
  // `nuisance`, again and again, until two chunks were cut because of it. What ends each try of a chunk of
  // 400 kB, which takes longer than a second, lets smaller ones pass sooner or later.
  ProgramResult disturbed(const std::function<void()>& nuisance) const {
    auto running = start_pghaul(arguments({"--late-rows", "ignore", "--snapshot", "chunk", "--readers", "1",
                                           "--batch-bytes", "500kB", "--max-rate", "300kB/s"}));
    EXPECT_TRUE(wait_until([&] { return is_reading(); })) << running.err();
    while (!running.process().wait(Deadline::after(50ms)).has_value() && cut_chunks() < 2) nuisance();
    return running.finish();
  }
  // That met a conflict before.
  int cut_chunks() const {
    return std::stoi(
        admin_target("SELECT count(DISTINCT c.no) FROM pghaul.chunk c JOIN pghaul.chunk_failure f ON "
                     "f.chunk = c.no WHERE c.state = 'split' AND f.error LIKE '%SQLSTATE 40001%'"));
  }
  bool is_reading() const {
    return run_psql(
               on_standby(),
               "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE application_name LIKE "
               "'pghaul % reader%' AND relation = 'public.profiles'::regclass AND granted") != "0";
  }
};

TEST_F(ConflictsOfAStandby, E4_NowAndThen) {
  auto running = begin({"--late-rows", "ignore"});
  for (int i = 0; i < 3; ++i) {
    clean_up_on_primary();
    expect_progress(running);
  }
  const auto result = running.finish();
  EXPECT_GT(conflicts("confl_snapshot"), 0) << "no conflict, so nothing was tested";
  expect_success(result);
}

TEST_F(ConflictsOfAStandby, E4_WithASnapshotForEachChunk) {
  auto running = begin({"--late-rows", "ignore", "--snapshot", "chunk"});
  for (int i = 0; i < 20; ++i) clean_up_on_primary();
  expect_success(running.finish());
}

TEST_F(ConflictsOfAStandby, E4_ChunksGetSmallerUntilTheyPass) {
  const auto result = disturbed([this] { clean_up_on_primary(); });
  EXPECT_GT(conflicts("confl_snapshot"), 0);
  expect_success(result);
  EXPECT_GE(cut_chunks(), 2);
}

TEST_F(ConflictsOfAStandby, E4_LocksThatAreReplayed) {
  const auto result = disturbed([this] {
    run_psql(on_primary(), "BEGIN; LOCK TABLE public.profiles IN ACCESS EXCLUSIVE MODE; COMMIT");
  });
  EXPECT_GT(conflicts("confl_lock"), 0);
  expect_success(result);
  EXPECT_GE(cut_chunks(), 2);
}

// A chunk whose snapshot is cancelled each time: what can be done about it is said.
TEST_F(ConflictsOfAStandby, E4_WithoutEnd) {
  auto running =
      start_pghaul(arguments({"--late-rows", "ignore", "--snapshot", "chunk", "--max-retries", "0",
                              "--readers", "1", "--max-rate", "100kB/s", "--batch-bytes", "500kB"}));
  EXPECT_TRUE(wait_until([&] { return is_reading(); })) << running.err();
  while (!running.process().wait(Deadline::after(100ms)).has_value()) clean_up_on_primary();
  expect_failure(running.finish(), failed, {"pghaul: source: ", "SQLSTATE 40001", "hot_standby_feedback"});
  expect_completion({"--late-rows", "ignore"});
}

// Nothing to cut: the whole of a table without a key is tried as often as anything else.
TEST_F(ConflictsOfAStandby, E4_WhatCannotBeCut) {
  run_psql(on_primary(),
           "CREATE TABLE public.whole AS SELECT i, repeat('x', 200) FROM generate_series(1, 3000) i");
  wait_for_standby();
  auto running = start_pghaul({"copy", "--source", copier_.source, "--target", copier_.target, "--table",
                               "whole", "--max-retries", "1", "--max-rate", "300kB/s", "--batch-bytes", "8MB",
                               "--chunk-by", "whole", "--progress", "none"});
  while (!running.process().wait(Deadline::after(200ms)).has_value()) clean_up_on_primary();
  expect_failure(
      running.finish(), failed,
      {"public.whole", "1 retry", "conflict with recovery", "SQLSTATE 40001", "max_standby_streaming_delay"});
}

TEST_F(ConflictsOfAStandby, E4_TheDatabaseIsDropped) {
  auto running = begin({"--late-rows", "ignore"});
  run_psql(primary_.conninfo(), fmt::format("DROP DATABASE {} WITH (FORCE)", database()));
  const auto result = running.finish();
  EXPECT_EQ(result.status, failed) << result;
  EXPECT_EQ(missing_parts(result), "") << result;
  EXPECT_THAT(result.err, HasSubstr("pghaul: source: ")) << result;
}

}  // namespace
}  // namespace pghaul::test
