// Snapshots that a standby exports, and what may happen to it meanwhile.
#include "fault/servers_standby.h"

namespace pghaul::test {
namespace {

class SnapshotsOfAStandby : public Standby {
 protected:
  explicit SnapshotsOfAStandby(std::shared_ptr<PrimaryAndStandby> servers = shared_servers())
      : Standby(std::move(servers)) {
    admin_.source = on_primary();
    make_rows(9000);
    wait_for_standby();
    admin_.source = copier_.source = on_standby();
  }
  // In no snapshot that was taken before. One statement: a second one would clean pages up, and so meet that
  // snapshot.
  void change_rows() const {
    run_psql(on_primary(), "CREATE TABLE public.before AS TABLE public.profiles");
    run_psql(on_primary(), "UPDATE public.profiles SET data = '{}' WHERE id % 2 = 0");
    wait_for_standby();
  }
  std::string rows_of(const std::string& server, const std::string& table) const {
    return table_digest(server, fmt::format("SELECT * FROM public.{} AS t ORDER BY t.id", table));
  }
};

TEST_F(SnapshotsOfAStandby, AnchorsKeepOnePointInTime) {
  auto running = begin({"--late-rows", "ignore", "--require-one-snapshot", "--json"});
  change_rows();
  // The one that took it; what is left has imported it, and so have those who import it from there.
  run_psql(on_standby(),
           "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE "
           "'pghaul % snapshot' ORDER BY backend_start LIMIT 1");
  run_psql(on_standby(), terminate_sql("reader"));
  const auto result = running.finish();
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(json_of(result)["snapshots"], 1) << result;
  EXPECT_EQ(rows_of(on_primary(), "before"), rows_of(admin_.target, "profiles"));
}

TEST_F(SnapshotsOfAStandby, C1_TheStandbyIsRestarted) {
  auto running = begin({"--late-rows", "ignore", "--json"});
  standby_.restart();
  const auto result = running.finish();
  EXPECT_GT(json_of(result)["snapshots"], 1) << result;
  expect_success(result);
}

class SnapshotsOfAStandbyOfItsOwn : public SnapshotsOfAStandby {
 protected:
  SnapshotsOfAStandbyOfItsOwn() : SnapshotsOfAStandby(std::make_shared<PrimaryAndStandby>()) {}
};

// Sessions that live through it go on with what they have; a new one finds another timeline.
TEST_F(SnapshotsOfAStandbyOfItsOwn, C8_ThePromotionOfTheStandbyInMidCopy) {
  auto running = begin({"--late-rows", "ignore"});
  promote();
  expect_progress(running);
  run_psql(on_standby(), terminate_sql("reader"));
  expect_failure(running.finish(), failed,
                 {"the source has failed over", "timeline 1 then, 2 now", "--allow failover"});
  expect_failure(run({"--late-rows", "ignore"}), refused, {"the source has failed over"});
  expect_completion({"--late-rows", "ignore", "--allow", "failover"});
}

// A connection string with both servers: the reader that was meant for the primary must not go on with less
// rows.
TEST_F(SnapshotsOfAStandby, ACopyOfThePrimaryDoesNotGoOnWithItsStandby) {
  copier_.source = fmt::format("host=127.0.0.1,127.0.0.1 port={},{} dbname={} user=postgres", primary_.port(),
                               standby_.port(), database());
  auto running = begin({"--snapshot", "chunk", "--reconnect-timeout", "3s"});
  primary_.stop(pg::ThrowawayServer::StopMode::fast);
  expect_failure(running.finish(), failed,
                 {"a standby answers where a primary did", "target_session_attrs=primary"});
  primary_.start();
  copier_.source = on_primary();
  expect_completion();
}

}  // namespace
}  // namespace pghaul::test
