// C8: the source fails over to a standby that does not have all of its rows.
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

TEST_F(SourceFailover, C8_RowsThatWereLostAreNotTakenForCopied) {
  cut_standby_off();
  make_rows(1000, 9001);
  auto running = begin();
  fail_over_with_loss();
  expect_failure(running.finish(), failed,
                 {"the source has failed over", "timeline 1 then, 2 now", "--allow failover"});
  expect_failure(run(), refused, {"the source has failed over", "--full copies it anew"});
  expect_completion({"--full"});
  expect_completion();
}

// Complete, but with rows that the new primary never had.
TEST_F(SourceFailover, C8_BetweenTwoRuns) {
  cut_standby_off();
  make_rows(1000, 9001);
  expect_success(run());
  fail_over_with_loss();
  expect_failure(run(), refused, {"the source has failed over"});
  expect_completion({"--full"});
}

TEST_F(SourceFailover, C8_APlannedSwitchoverMayBeAllowed) {
  auto running = begin({"--allow", "failover", "--reconnect-timeout", "60s"});
  primary_.stop(StopMode::fast);  // sends everything before it ends
  promote();
  admin_.source = on_standby();
  expect_success(running.finish());
  make_rows(100, 9001);
  expect_failure(run(), refused, {"the source has failed over"});
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

}  // namespace
}  // namespace pghaul::test
