// C9: the target fails over to a standby that has lost its last commits.
#include "fault/servers_standby.h"

namespace pghaul::test {
namespace {

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

// Ranges that were cut since are whole again, and numbers of their pieces are given to others.
TEST_F(TargetFailover, C9_TheLastCutsAreLost) {
  auto running = begin({"--reconnect-timeout", "60s"}, 1);
  wait_for_standby();
  cut_standby_off();
  const auto cut = [this] { return try_psql(on_primary(), "SELECT count(*) FROM pghaul.chunk WHERE state = 'split'").out; };
  const auto before = cut();
  EXPECT_TRUE(wait_until([&] { return cut() != before; })) << running.err();
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

// A commit that is complete is on the disk of the target, and nowhere else: a standby that is behind has lost
// it, and what it has is consistent all the same.
TEST_F(TargetFailover, C9_AfterTheEnd) {
  const auto first = run({"--batch-bytes", "64kB", "--max-chunks", "3"});
  EXPECT_EQ(first.status, 4) << first;
  wait_for_standby();
  cut_standby_off();
  expect_success(run());
  fail_over_here();
  expect_completion();
}

}  // namespace
}  // namespace pghaul::test
