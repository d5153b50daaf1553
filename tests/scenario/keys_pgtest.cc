// Tables with keys of every kind: copied, copied anew, killed and resumed, with a snapshot that is lost.
#include <signal.h>

#include "scenario/keys.h"

namespace pghaul::test {
namespace {

TEST_F(KeyKinds, G5_CopiedAndCopiedAnew) {
  make_tables(150);
  const auto report = copied(all_tables());
  expect_all_equal();
  note_formats(rows_of(source_conninfo()) == rows_of(target_conninfo()));
  EXPECT_GE(std::stoi(chunks_done()), 4 * static_cast<int>(kinds().size()));
  for (const auto& table : report["tables"]) EXPECT_EQ(table["state"], "complete");
  const auto later = copied(all_tables());
  for (const auto& table : later["tables"]) {
    EXPECT_EQ(table["state"], "unchanged");
    EXPECT_THAT(table["remarks"].dump(), HasSubstr("does not tell what is newer; --full copies it anew"));
  }
  copied(all_tables({"--full"}));
  expect_all_equal();
  EXPECT_EQ(target_sql("SELECT DISTINCT generation FROM pghaul.table_copy"), "2");
}

TEST_F(KeyKinds, G5_KilledAndResumed) {
  make_tables(150);
  std::string done;
  for (const auto* name :
       {"plan.saved=kill9@20", "chunk.split=kill9@12", "rows.sent=kill9@25", "chunk.after_commit=kill9@35"}) {
    const auto result = copy(all_tables(), {{"PGHAUL_FAILPOINTS", name}});
    ASSERT_EQ(result.status, killed) << name << result;
    EXPECT_TRUE(has_all_lines(done_chunks(), done)) << name;
    done = done_chunks();
  }
  EXPECT_FALSE(done.empty());
  const auto result = copied(all_tables());
  EXPECT_TRUE(has_all_lines(done_chunks(), done));
  expect_all_equal();
  EXPECT_EQ(target_sql("SELECT DISTINCT generation FROM pghaul.table_copy"), "1");
}

TEST_F(KeyKinds, G5_SourceIsRestartedInMidCopy) {
  make_tables(150);
  auto running =
      start_copy(all_tables({"--reconnect-timeout", "30s", "--json", "--sleep", "15ms", "--readers", "1"}));
  ASSERT_TRUE(wait_until([&] { return some_chunks_done(40); })) << running.err();
  const auto done = done_chunks();
  source_server().restart(pg::ThrowawayServer::StopMode::fast);
  const auto result = running.finish();
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(json_of(result)["snapshot_text"].get<std::string>(),
              HasSubstr("several points in time: 2 snapshots"));
  EXPECT_TRUE(has_all_lines(done_chunks(), done));
  expect_all_equal();
  EXPECT_EQ(target_sql("SELECT DISTINCT generation FROM pghaul.table_copy"), "1");
}

}  // namespace
}  // namespace pghaul::test
