// E1, E2: locks on the source, ours and those of others.
#include "fault/servers_faults.h"

namespace pghaul::test {
namespace {

class SourceLocks : public ServerFaults {
 protected:
  static std::chrono::milliseconds since(Deadline::Clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Deadline::Clock::now() - start);
  }
  // How long somebody has to wait for `sql`, in a session of its own.
  std::chrono::milliseconds time_of(const std::string& sql) const {
    const auto start = Deadline::Clock::now();
    EXPECT_EQ(try_psql(admin_.source, sql).status, 0) << sql;
    return since(start);
  }
  // Holds the lock until released.
  struct Lock {
    explicit Lock(const std::string& conninfo) : session(std::make_unique<OpenSession>(as_tester(conninfo))) {
      session->run("BEGIN; LOCK TABLE public.profiles IN ACCESS EXCLUSIVE MODE");
      pid = session->run("SELECT pg_backend_pid()");
    }
    void release() { session.reset(); }
    std::unique_ptr<OpenSession> session;
    std::string pid;
  };
  bool somebody_waits() const {
    return admin_source(
               "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = "
               "'public.profiles'::regclass") != "0";
  }
};

// DDL queues behind our ACCESS SHARE, and everybody else behind the DDL: chunks are short, so both end soon.
// (With one snapshot for all a rewrite would end the copy; a new default does not.)
TEST_F(SourceLocks, E1_DdlGetsThroughBetweenChunks) {
  make_rows(12'000);
  auto running = begin({"--readers", "2"});
  for (int i = 0; i < 5; ++i) {
    EXPECT_LT(time_of("ALTER TABLE public.profiles ALTER COLUMN data SET STORAGE EXTENDED"), 5s);
    EXPECT_LT(time_of("SELECT count(*) FROM public.profiles"), 5s);
  }
  EXPECT_FALSE(running.process().wait(Deadline::after(0s)).has_value()) << "the copy was over before";
  expect_success(running.finish());
}

// pghaul does not give way in the middle of a chunk: DDL waits for its end, so a batch's size bounds that
// wait. It does not wait for the next chunk, which stands behind it in the queue.
TEST_F(SourceLocks, E1_DdlWaitsForTheEndOfAChunk) {
  make_rows(12'000);
  auto running =
      start_pghaul(arguments({"--max-rate", "150kB/s", "--batch-bytes", "500kB", "--readers", "1"}));
  const auto reading =
      "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE application_name LIKE "
      "'pghaul % reader%' AND relation = 'public.profiles'::regclass AND granted";
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(wait_until([&] { return admin_source(reading) != "0"; })) << running.err();
    EXPECT_LT(time_of("ALTER TABLE public.profiles ALTER COLUMN data SET STORAGE EXTENDED"), 12s);
  }
  expect_success(running.finish(120s));
}

// Somebody has the table for himself, for longer than our lock timeout: we do not stand in the queue all that
// time, and come back.
TEST_F(SourceLocks, E2_LockedForAWhileInMidCopy) {
  make_rows(9000);
  auto running = begin();
  Lock lock(admin_.source);
  EXPECT_TRUE(wait_until([&] { return running.err().find("SQLSTATE 55P03") != std::string::npos; }))
      << running.err();
  // Between two tries the queue is empty.
  EXPECT_TRUE(wait_until([&] { return !somebody_waits(); }));
  lock.release();
  expect_success(running.finish());
}

TEST_F(SourceLocks, E2_LockedAtTheStart) {
  make_rows(3000);
  Lock lock(admin_.source);
  const auto start = Deadline::Clock::now();
  const auto result = run();
  EXPECT_LT(since(start), 30s);
  lock.release();
  EXPECT_EQ(missing_parts(result), "") << result;
  expect_failure(result, refused, {"SQLSTATE 55P03"});
  expect_completion();
}

TEST_F(SourceLocks, E2_LockedForEver) {
  make_rows(9000);
  auto running = begin({"--max-retries", "1"});
  Lock lock(admin_.source);
  const auto result = running.finish();
  lock.release();
  expect_failure(result, failed, {"pghaul: source: public.profiles: ", "SQLSTATE 55P03", "id in ["});
  expect_completion();
}

}  // namespace
}  // namespace pghaul::test
