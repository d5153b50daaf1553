// A copy through the proxy: cut where it hurts most, it ends well all the same, and exactly once.
#include <gtest/gtest.h>

#include "fault/cutting_proxy.h"
#include "support/oracle.h"
#include "support/servers.h"

namespace pghaul::test {
namespace {

class ProxiedCopy : public ServersTest {
 protected:
  ProxiedCopy() : source_proxy_(source_server().port()), target_proxy_(target_server().port()) {
    source_sql("CREATE TABLE t(id bigint PRIMARY KEY, s text NOT NULL); "
               "INSERT INTO t SELECT i * 3, repeat(md5(i::text), 4) FROM generate_series(1, 20000) i; ANALYZE t");
  }

  ProgramResult copy() {
    return run_pghaul({"copy", "--source", source_proxy_.through(source_conninfo()), "--target",
                       target_proxy_.through(target_conninfo()), "--table", "public.t", "--batch-bytes", "200kB",
                       "--statement-timeout", "15s", "--connect-timeout", "3s", "--late-wait", "1s"});
  }
  void expect_whole_copy() {
    const auto result = copy();
    EXPECT_EQ(result.status, 0) << result;
    const auto all = "SELECT * FROM public.t ORDER BY id, s";
    EXPECT_EQ(table_digest(target_conninfo(), all), table_digest(source_conninfo(), all)) << result;
  }

  CuttingProxy source_proxy_, target_proxy_;
};

TEST_F(ProxiedCopy, Undisturbed) {
  expect_whole_copy();
  EXPECT_GE(target_proxy_.connections(), 3);
}

TEST_F(ProxiedCopy, UnansweredCommits) {
  auto rule = lose_commit_answer(Cut::reset, "writer");
  rule.nth = 3;
  target_proxy_.cut(rule);
  rule.how = Cut::fin;
  rule.nth = 7;
  target_proxy_.cut(rule);
  expect_whole_copy();
  EXPECT_EQ(target_proxy_.cuts(), 2);
}

TEST_F(ProxiedCopy, LostCommits) {
  auto rule = lose_commit(Cut::reset, "writer");
  rule.nth = 3;
  target_proxy_.cut(rule);
  rule.how = Cut::fin;
  rule.nth = 7;
  target_proxy_.cut(rule);
  expect_whole_copy();
  EXPECT_EQ(target_proxy_.cuts(), 2);
}

TEST_F(ProxiedCopy, CutInTheMiddleOfRows) {
  CutRule rule;
  rule.type = 'd';
  rule.session = "reader";
  rule.nth = 5000;
  rule.offset = -1;
  rule.how = Cut::reset;
  source_proxy_.cut(rule);
  CutRule at_target;
  at_target.direction = Direction::to_server;
  at_target.type = 'd';
  at_target.session = "writer";
  at_target.nth = 9;
  at_target.offset = -1;
  target_proxy_.cut(at_target);
  expect_whole_copy();
  EXPECT_EQ(source_proxy_.cuts(), 1);
  EXPECT_EQ(target_proxy_.cuts(), 1);
}

}  // namespace
}  // namespace pghaul::test
