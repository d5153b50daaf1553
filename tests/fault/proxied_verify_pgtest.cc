// A comparison whose control session is cut while the tables are cut into chunks: that may pass, and has to be got over.
#include "fault/cutting_proxy.h"
#include "scenario/verify_test.h"

namespace pghaul::test {
namespace {

TEST_F(VerifyTest, PlanningGetsOverALostConnection) {
  make_profiles(2000);
  copied();
  for (const auto how : {Cut::fin, Cut::reset}) {
    CuttingProxy proxy(source_server().port());
    CutRule rule;
    rule.direction = Direction::to_server;
    rule.session = "control";
    rule.text = " IS NOT NULL ORDER BY t.";  // the bounds of its key
    rule.text_first = false;
    rule.how = how;
    proxy.cut(rule);
    const auto result = run_pghaul({"verify", "--source", proxy.through(source_conninfo()), "--target",
                                    target_conninfo(), "--table", profiles, "--progress", "none"});
    EXPECT_EQ(result.status, 0) << result;
    EXPECT_EQ(proxy.cuts(), 1);
  }
}

}  // namespace
}  // namespace pghaul::test
