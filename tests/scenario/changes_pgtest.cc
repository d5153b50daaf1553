// The source is altered while it is copied, or between two runs: noticed before anything of it is written.
#include "fault/judge.h"
#include "scenario/copy_test.h"
#include "support/message.h"

namespace pghaul::test {
namespace {

class Changes : public CopyTest {
 protected:
  void make_pairs() const {
    source_sql(
        "CREATE TABLE public.profiles (tenant int, no int, data text, PRIMARY KEY (tenant, no));"
        "INSERT INTO public.profiles SELECT g % 5, g, repeat(md5(g::text), 3) FROM generate_series(1, 6000) "
        "g;"
        "ANALYZE public.profiles");
  }
  // In mid-copy; each chunk has a snapshot of its own.
  RunningProgram begun(const Arguments& more = {}) const {
    Arguments arguments{"--batch-bytes", "64kB", "--readers", "1", "--sleep", "100ms", "--snapshot", "chunk"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto running = start_copy(arguments);
    EXPECT_TRUE(wait_until([&] { return some_chunks_done(2); })) << running.err();
    return running;
  }
  // Nothing of the other table is there, and each row at most once.
  void expect_failure(RunningProgram& running, const std::vector<std::string>& words) const {
    const auto result = running.finish();
    EXPECT_EQ(result.status, 5) << result;
    EXPECT_EQ(missing_parts(result), "") << result;
    for (const auto& word : words) EXPECT_THAT(result.err, HasSubstr(word)) << result;
    EXPECT_EQ(target_sql("SELECT coalesce(sum(rows), 0) FROM pghaul.chunk WHERE state = 'done'"),
              target_sql("SELECT count(*) FROM public.profiles"));
    expect_no_session_left();
  }
  void expect_refusal(const std::vector<std::string>& words) const {
    const auto result = copy();
    EXPECT_EQ(result.status, 3) << result;
    for (const auto& word : words) EXPECT_THAT(result.err, HasSubstr(word)) << result;
  }
};

TEST_F(Changes, F3_AColumnOfTheKeyIsDropped) {
  make_pairs();
  auto running = begun();
  source_sql("ALTER TABLE public.profiles DROP COLUMN tenant");
  expect_failure(running, {"pghaul: source: public.profiles: ", "tenant"});
  expect_refusal({"the columns of the source table were altered", "--full copies it anew"});
  target_sql("ALTER TABLE public.profiles DROP COLUMN tenant");
  copied({"--full"});
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.profiles"), "6000");
}

TEST_F(Changes, F3_ATypeOfTheKeyIsAltered) {
  make_pairs();
  stopped({"--batch-bytes", "64kB", "--max-chunks", "2"});
  source_sql("ALTER TABLE public.profiles ALTER no TYPE bigint");
  expect_refusal({"the columns of the source table were altered", "--full copies it anew"});
}

TEST_F(Changes, H7_TheTableBecomesAView) {
  make_pairs();
  auto running = begun();
  source_sql(
      "BEGIN; ALTER TABLE public.profiles RENAME TO behind;"
      "CREATE VIEW public.profiles AS SELECT tenant, no, 'forged' AS data FROM public.behind; COMMIT");
  expect_failure(running, {"pghaul: source: public.profiles: "});
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.profiles WHERE data = 'forged'"), "0");
  expect_refusal({"it is a view on the source"});
}

// Its ranges mean what they meant, but each is a scan of the table now.
TEST_F(Changes, TheIndexOfTheKeyIsDropped) {
  make_pairs();
  auto running = begun();
  source_sql("ALTER TABLE public.profiles DROP CONSTRAINT profiles_pkey");
  const auto result = running.finish();
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_TRUE(compare_rows(source_conninfo(), target_conninfo(), {"profiles"}).equal());
}

TEST_F(Changes, TheDatabaseIsDropped) {
  make_profiles(6000);
  auto running = begun({"--reconnect-timeout", "5s"});
  run_psql(source_server().conninfo(), fmt::format("DROP DATABASE {} WITH (FORCE)", database()));
  const auto result = running.finish();
  EXPECT_EQ(result.status, 5) << result;
  EXPECT_EQ(missing_parts(result), "") << result;
  EXPECT_THAT(result.err, HasSubstr("pghaul: source: "));
  EXPECT_THAT(result.err, HasSubstr("[SQLSTATE 3D000]"));
  run_psql(source_server().conninfo(), "CREATE DATABASE " + database());
}

}  // namespace
}  // namespace pghaul::test
