// E3, E4: deadlocks and serialization failures on the target.
#include "fault/servers_faults.h"

namespace pghaul::test {
namespace {

class TargetLocks : public ServerFaults {
 protected:
  int errors_logged(const std::string& sqlstate) const {
    return std::stoi(admin_target(
        fmt::format("SELECT count(*) FROM pghaul.chunk_failure WHERE error LIKE '%SQLSTATE {}%'", sqlstate)));
  }
};

// Somebody locks first a key that a chunk will insert, then the chunk's row of the ledger; the chunk the
// other way round. PostgreSQL ends one of them: whoever has waited for deadlock_timeout and finds the circle;
// nobody looks twice. So ours is made to look first, and late enough that the circle is closed.
TEST_F(TargetLocks, E3_Deadlock) {
  make_rows(9000);
  admin_target("CREATE TABLE public.profiles (id bigint PRIMARY KEY, data jsonb)");
  run_psql(target_server().conninfo(),
           fmt::format("ALTER DATABASE {} SET deadlock_timeout = '4s'", database()));
  auto running = begin({"--batch-rows", "300", "--readers", "1", "--writers", "1"}, 3);
  OpenSession other(as_tester(admin_.target));
  other.run("SET deadlock_timeout = '60s'");
  other.run("BEGIN");
  // A chunk that is still far away, and is not cut any more.
  const auto chunk = other.run(
      "SELECT no FROM pghaul.chunk WHERE state = 'pending' AND refined AND lower_bound IS NOT NULL "
      "ORDER BY lower_bound::bigint DESC LIMIT 1");
  ASSERT_NE(chunk, "");
  other.run(
      "INSERT INTO public.profiles SELECT (lower_bound::bigint + 2) / 3 * 3, '{}' FROM pghaul.chunk WHERE no "
      "= " +
      chunk);
  const auto blocked = fmt::format(
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
      "application_name LIKE 'pghaul % writer%' AND wait_event_type = 'Lock'");
  EXPECT_TRUE(wait_until([&] { return admin_target(blocked) != "0"; })) << running.err();
  // The circle closes here; nobody waits for us once the writer has given up.
  other.run(fmt::format("SELECT FROM pghaul.chunk WHERE no = {} FOR UPDATE", chunk));
  EXPECT_TRUE(wait_until([&] { return errors_logged("40P01") > 0; })) << running.err();
  other.run("ROLLBACK");
  expect_success(running.finish());
  EXPECT_EQ(errors_logged("40P01"), 1);
}

// A trigger of the user fails now and then, with a code that means "again".
TEST_F(TargetLocks, E4_SerializationFailureOfATrigger) {
  make_rows(6000);
  admin_target(
      "CREATE TABLE public.profiles (id bigint PRIMARY KEY, data jsonb); CREATE SEQUENCE public.calls;"
      "CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF nextval('public.calls') "
      "% 1500 = 0 "
      "THEN RAISE 'could not serialize' USING ERRCODE = '40001'; END IF; RETURN NEW; END$$;"
      "CREATE TRIGGER fail BEFORE INSERT ON public.profiles FOR EACH ROW EXECUTE FUNCTION public.fail()");
  const auto result = run({"--batch-rows", "300", "--allow", "triggers"});
  EXPECT_GT(errors_logged("40001"), 1);
  expect_success(result);
}

TEST_F(TargetLocks, E4_SerializationFailureThatStays) {
  make_rows(1000);
  admin_target(
      "CREATE TABLE public.profiles (id bigint PRIMARY KEY, data jsonb);"
      "CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
      "RAISE 'could not serialize' USING ERRCODE = '40001'; END$$;"
      "CREATE TRIGGER fail BEFORE INSERT ON public.profiles FOR EACH ROW EXECUTE FUNCTION public.fail()");
  const auto result = run({"--allow", "triggers", "--max-retries", "2"});
  expect_failure(result, failed, {"pghaul: target: public.profiles: ", "SQLSTATE 40001", "2 retries"});
  admin_target("DROP TRIGGER fail ON public.profiles");
  expect_completion();
}

// The target's role works at the strictest level, and somebody reads and writes the ledger at it, too.
TEST_F(TargetLocks, E4_SerializableByDefault) {
  make_rows(6000);
  run_psql(target_server().conninfo(),
           fmt::format("ALTER DATABASE {} SET default_transaction_isolation = 'serializable'", database()));
  auto running = begin({"--batch-rows", "300"});
  while (!running.process().wait(Deadline::after(20ms)).has_value()) {
    try_psql(
        admin_.target,
        "BEGIN; SELECT sum(rows) FROM pghaul.chunk; UPDATE pghaul.table_copy SET last_stop = 'x'; COMMIT");
  }
  expect_success(running.finish());
}

}  // namespace
}  // namespace pghaul::test
