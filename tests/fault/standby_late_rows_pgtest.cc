// Late rows of a standby: its locks are not those of the primary; so that one is asked, or nothing is called
// settled.
#include "fault/servers_standby.h"

namespace pghaul::test {
namespace {

class LateRowsOfAStandby : public Standby {
 protected:
  LateRowsOfAStandby() : Standby(shared_servers()) {
    admin_.source = on_primary();
    run_psql(on_primary(), "CREATE TABLE public.profiles (id bigserial PRIMARY KEY, data jsonb)");
    insert_rows(300);
    wait_for_standby();
    copier_.source = on_standby();
  }
  void insert_rows(int rows) const {
    run_psql(
        on_primary(),
        fmt::format("INSERT INTO public.profiles (data) SELECT '{{}}' FROM generate_series(1, {})", rows));
  }
  // A row whose key lies below that of rows which are there already; commit() ends its transaction.
  struct LateRow {
    explicit LateRow(const std::string& primary) : session(as_tester(primary)) {
      session.run("BEGIN");
      id = session.run("INSERT INTO public.profiles (data) VALUES ('{\"late\": 1}') RETURNING id");
    }
    void commit() { session.run("COMMIT"); }
    OpenSession session;
    std::string id;
  };
  bool target_has(const LateRow& row) const {
    return admin_target("SELECT count(*) FROM public.profiles WHERE id = " + row.id) == "1";
  }
  Arguments asking_primary(const Arguments& more = {}) const {
    Arguments all{"--primary", on_primary(), "--json"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  // A run that has to succeed; its table.
  nlohmann::json copied_table(Arguments more) const {
    more.emplace_back("--json");
    const auto result = run(more);
    EXPECT_EQ(result.status, 0) << result;
    return json_of(result).at("tables").at(0);
  }
  void expect_complete() const {
    const auto difference = compare_rows(admin_.source, admin_.target, {"profiles"});
    EXPECT_TRUE(difference.equal()) << difference.lost << " rows lost, " << difference.doubled << " doubled";
    EXPECT_EQ(leftovers(on_primary()) + leftovers(on_standby()) + leftovers(admin_.target), "");
  }
  void pause_replay() const { run_psql(on_standby(), "SELECT pg_wal_replay_pause()"); }
  void resume_replay() const {
    run_psql(on_standby(), "SELECT pg_wal_replay_resume()");
    wait_for_standby();
  }
};

TEST_F(LateRowsOfAStandby, F2_ThePrimaryIsAskedAndWaitedFor) {
  LateRow late(on_primary());
  insert_rows(300);
  wait_for_standby();
  auto running = start_pghaul(arguments(asking_primary({"--late-wait", "60s", "--progress", "json"})));
  EXPECT_TRUE(wait_until([&] { return running.err().find("waiting for late rows") != std::string::npos; }))
      << running.err();
  late.commit();
  const auto result = running.finish();
  EXPECT_EQ(result.status, 0) << result;
  const auto table = json_of(result).at("tables").at(0);
  EXPECT_TRUE(table["settled"]) << table;
  EXPECT_TRUE(target_has(late));
  expect_complete();
  EXPECT_EQ(copied_table(asking_primary())["late_rows"], 0);
}

// What has committed there is not here yet: being told that nobody writes any more is not enough.
TEST_F(LateRowsOfAStandby, WhatThePrimaryWroteHasToArriveFirst) {
  LateRow late(on_primary());
  insert_rows(300);
  wait_for_standby();
  pause_replay();
  late.commit();
  auto running = start_pghaul(arguments(asking_primary({"--late-wait", "60s", "--progress", "json"})));
  const auto waits =
      "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pghaul % control' AND "
      "query LIKE '%pg_last_wal_replay_lsn%'";
  EXPECT_TRUE(wait_until([&] { return run_psql(on_standby(), waits) != "0"; })) << running.err();
  resume_replay();
  const auto result = running.finish();
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_TRUE(json_of(result)["tables"][0]["settled"]) << result;
  EXPECT_TRUE(target_has(late));
  expect_complete();
}

// A standby that stays behind: also rows that had committed before anybody looked are found by the next run.
TEST_F(LateRowsOfAStandby, AStandbyThatStaysBehindIsUndecided) {
  LateRow late(on_primary());
  insert_rows(300);
  pause_replay();
  late.commit();
  insert_rows(300);
  const auto first = copied_table(asking_primary({"--late-wait", "500ms"}));
  EXPECT_FALSE(first["settled"]) << first;
  EXPECT_THAT(first["remarks"].dump(), HasSubstr("the standby did not replay within --late-wait"));
  resume_replay();
  const auto second = copied_table(asking_primary());
  EXPECT_TRUE(second["settled"]) << second;
  EXPECT_TRUE(target_has(late));
  expect_complete();
}

TEST_F(LateRowsOfAStandby, WithoutThePrimaryTheNextRunFindsThem) {
  LateRow late(on_primary());
  insert_rows(300);
  wait_for_standby();
  const auto first = copied_table({});
  EXPECT_FALSE(first["settled"]) << first;
  EXPECT_THAT(first["remarks"].dump(),
              HasSubstr("late rows are undecided: the source is a standby; the next run"));
  EXPECT_FALSE(target_has(late));
  EXPECT_THAT(run_pghaul({"status", "--target", copier_.target}).out,
              HasSubstr("late rows: they are undecided"));
  late.commit();
  insert_rows(10);
  wait_for_standby();
  const auto second = copied_table({});
  EXPECT_FALSE(second["settled"]) << second;
  EXPECT_EQ(second["late_rows"], 1) << second;
  EXPECT_TRUE(target_has(late));
  expect_complete();
}

TEST_F(LateRowsOfAStandby, WhoOutlastsTheWaitOnThePrimary) {
  LateRow late(on_primary());
  insert_rows(300);
  wait_for_standby();
  const auto first = copied_table(asking_primary({"--late-wait", "0s"}));
  EXPECT_FALSE(first["settled"]) << first;
  EXPECT_THAT(first["remarks"].dump(), HasSubstr("1 transaction(s) outlast --late-wait"));
  late.commit();
  wait_for_standby();
  const auto second = copied_table(asking_primary());
  EXPECT_TRUE(second["settled"]) << second;
  EXPECT_EQ(second["late_rows"], 1) << second;
  expect_complete();
}

TEST_F(LateRowsOfAStandby, WhatIsNoPrimaryOfItIsRefused) {
  expect_failure(run({"--primary", on_standby()}), refused,
                 {"--primary leads to a standby", "correct --primary"});
  expect_failure(run({"--primary", admin_.target}), refused,
                 {"--primary leads to another server or database"});
  expect_failure(run({"--primary", primary_.conninfo()}), refused,
                 {"another server or database than the source's"});
  EXPECT_EQ(admin_target("SELECT to_regnamespace('pghaul') IS NULL"), "t");
  copier_.source = on_primary();
  const auto result = run({"--primary", on_primary()});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.err, HasSubstr("the source is no standby: --primary is not asked"));
}

TEST_F(LateRowsOfAStandby, PlanCountsTheConnection) {
  const auto result = run_pghaul({"plan", "--source", on_standby(), "--target", copier_.target, "--table",
                                  profiles, "--primary", on_primary()});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.out, HasSubstr("5 to the source, 1 to its primary, 4 to the target"));
}

// The role of docs/security.md for the source: there, as here.
TEST_F(LateRowsOfAStandby, ARoleThatMayReadIsEnough) {
  run_psql(on_primary(),
           "CREATE ROLE hauler LOGIN; GRANT USAGE ON SCHEMA public TO hauler; GRANT SELECT ON "
           "public.profiles TO hauler; GRANT SELECT ON SEQUENCE public.profiles_id_seq TO hauler");
  wait_for_standby();
  copier_.source = with_role(standby_, database(), "hauler");
  const auto result = run({"--primary", with_role(primary_, database(), "hauler"), "--json"});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.err, Not(HasSubstr("warning"))) << result;
  EXPECT_TRUE(json_of(result)["tables"][0]["settled"]) << result;
  expect_complete();
}

// What was settled on the primary says nothing about a standby, and what a standby lacks is looked for by
// nobody.
TEST_F(LateRowsOfAStandby, BegunOnThePrimaryContinuedOnAStandby) {
  insert_rows(3000);
  pause_replay();
  insert_rows(3000);
  const Arguments begun{"--batch-bytes", "64kB", "--max-chunks", "1"};
  copier_.source = on_primary();
  ASSERT_EQ(run(begun).status, 4);
  copier_.source = on_standby();
  expect_failure(run(), refused,
                 {"is to be continued from a standby", "name the standby's primary with --primary"});
  expect_failure(run({"--primary", on_primary(), "--late-wait", "500ms"}), failed,
                 {"the standby did not replay within --late-wait", "raise --late-wait"});
  resume_replay();
  copied_table(asking_primary());
  expect_complete();
}

// Undecided anyhow, but the search for late rows begins at a transaction that this standby has not come to.
TEST_F(LateRowsOfAStandby, ContinuedOnAStandbyThatIsBehind) {
  insert_rows(3000);
  pause_replay();
  insert_rows(3000);
  copier_.source = on_primary();
  ASSERT_EQ(run({"--batch-bytes", "64kB", "--max-chunks", "1", "--late-rows", "ignore"}).status, 4);
  copier_.source = on_standby();
  expect_failure(run(), refused,
                 {"this standby is behind the state of the source that the copy was begun with"});
  resume_replay();
  copied_table({});
  expect_complete();
}

}  // namespace
}  // namespace pghaul::test
