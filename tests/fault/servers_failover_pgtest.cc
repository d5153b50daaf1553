// C7, C8, C9: another server answers where the one of before did.
#include "fault/servers_standby.h"

namespace pghaul::test {
namespace {

using StopMode = pg::ThrowawayServer::StopMode;

class SourceFailover : public Standby {
 protected:
  SourceFailover() {
    copier_.source = whoever_is_primary();
    admin_.source = on_primary();
    make_rows(9000);
    wait_for_standby();
  }
  // The standby never gets the last rows, and after its promotion gives their ids to others.
  void fail_over_with_loss() {
    fail_over();
    admin_.source = on_standby();
    make_rows(1000, 9001, "another");
  }
};

class TargetFailover : public Standby {
 protected:
  TargetFailover() {
    copier_.target = whoever_is_primary();
    admin_.target = on_primary();
    make_rows(9000);
  }
  void fail_over_here() {
    fail_over();
    admin_.target = on_standby();
  }
};

TEST_F(SourceFailover, C8_RowsThatWereLostAreNotTakenForCopied) {
  cut_standby_off();
  make_rows(1000, 9001);
  auto running = begin();
  fail_over_with_loss();
  expect_failure(running.finish(), failed, {"the source has failed over", "timeline 1 then, 2 now", "--allow failover"});
  expect_finding(run(), {"the source has failed over", "--full copies it anew"});
  expect_completion({"--full"});
  expect_completion();
}

// Complete, but with rows that the new primary never had.
TEST_F(SourceFailover, C8_BetweenTwoRuns) {
  cut_standby_off();
  make_rows(1000, 9001);
  expect_success(run());
  fail_over_with_loss();
  expect_finding(run(), {"the source has failed over"});
  expect_completion({"--full"});
}

TEST_F(SourceFailover, C8_APlannedSwitchoverMayBeAllowed) {
  auto running = begin({"--allow", "failover", "--reconnect-timeout", "60s"});
  primary_.stop(StopMode::fast);  // sends everything before it ends
  promote();
  admin_.source = on_standby();
  expect_success(running.finish());
  make_rows(100, 9001);
  expect_finding(run(), {"the source has failed over"});
  expect_completion({"--allow", "failover"});
  make_rows(100, 9101);
  expect_completion();
}

TEST_F(SourceFailover, C8_OneSnapshotOnAnotherTimeline) {
  auto running = begin({"--snapshot", "chunk"});
  fail_over();
  admin_.source = on_standby();
  expect_failure(running.finish(), failed, {"the source has failed over"});
  expect_completion({"--allow", "failover"});
}

TEST_F(TargetFailover, C9_TheLastChunksAreLost) {
  auto running = begin({"--reconnect-timeout", "60s"});
  wait_for_standby();
  cut_standby_off();
  expect_progress(running);
  fail_over_here();
  const auto result = running.finish();
  EXPECT_THAT(result.err, HasSubstr("lost commits that it had acknowledged")) << result;
  expect_success(result);
}

// Not even the ledger had got there.
TEST_F(TargetFailover, C9_TheWholeCopyIsLost) {
  cut_standby_off();
  auto running = begin({"--reconnect-timeout", "60s"});
  fail_over_here();
  expect_failure(running.finish(), failed, {"pghaul: target: "});
  expect_completion();
}

// The standby has the run before, but not that this one has begun.
TEST_F(TargetFailover, C9_TheOwnerIsLost) {
  const auto first = run({"--batch-bytes", "64kB", "--max-chunks", "3"});
  EXPECT_EQ(first.status, 4) << first;
  wait_for_standby();
  cut_standby_off();
  auto running = begin({"--reconnect-timeout", "60s"});
  fail_over_here();
  expect_failure(running.finish(), failed, {"pghaul: target: "});
  expect_completion();
}

// A commit that is complete is on the disk of the target, and nowhere else: a standby that is behind has lost it, and
// what it has is consistent all the same.
TEST_F(TargetFailover, C9_AfterTheEnd) {
  const auto first = run({"--batch-bytes", "64kB", "--max-chunks", "3"});
  EXPECT_EQ(first.status, 4) << first;
  wait_for_standby();
  cut_standby_off();
  expect_success(run());
  fail_over_here();
  expect_completion();
}

// Servers with the same port and databases of the same name, one at a time.
class Swapped : public ServerFaults {
 protected:
  Swapped() {
    first_.start();
    pg::ThrowawayOptions options;
    options.settings = {fmt::format("port={}", first_.port())};
    second_ = std::make_unique<pg::ThrowawayServer>(options);
    create();
    swap();
    create();
    swap_back();
  }
  void create() { run_psql(first_.conninfo(), fmt::format("CREATE DATABASE {}", database())); }
  void swap() {
    first_.stop(StopMode::fast);
    second_->start();
  }
  void swap_back() {
    second_->stop(StopMode::fast);
    first_.start();
  }

  pg::ThrowawayServer first_;
  std::unique_ptr<pg::ThrowawayServer> second_;
};

TEST_F(Swapped, C7_TheSourceIsAnotherServer) {
  admin_.source = copier_.source = first_.conninfo(database());
  make_rows(9000);
  swap();
  make_rows(9000, 1, "foreign");
  swap_back();
  auto running = begin({"--reconnect-timeout", "60s"});
  swap();
  expect_failure(running.finish(), failed, {"another server or database answers"});
  EXPECT_EQ(admin_target("SELECT count(*) FROM public.profiles WHERE data ->> 'name' LIKE 'foreign%'"), "0");
  swap_back();
  expect_completion();
}

TEST_F(Swapped, C7_TheTargetIsAnotherServer) {
  make_rows(9000);
  admin_.target = copier_.target = first_.conninfo(database());
  auto running = begin({"--reconnect-timeout", "60s"});
  swap();
  const auto tables = "SELECT count(*) FROM pg_class WHERE oid >= 16384";
  EXPECT_EQ(admin_target(tables), "0");
  const auto result = running.finish();
  expect_failure(result, failed, {"another server or database answers"});
  EXPECT_EQ(admin_target(tables), "0") << "something was written to the wrong server";
  swap_back();
  expect_completion();
}

}  // namespace
}  // namespace pghaul::test
