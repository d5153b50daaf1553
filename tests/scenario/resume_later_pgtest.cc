// Killed, or failing, at the steps that only later runs take: the next run completes.
#include "scenario/resume.h"

namespace pghaul::test {
namespace {

// What later runs do: take what was gained, look for late rows, accept a file that was rewritten, note a failure, stop.
class ResumeLaterRun : public Resume, public testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    make_profiles(300);
    source_sql("CREATE UNIQUE INDEX profiles_other ON public.profiles ((data ->> 'name'))");
    copied();
    add_profiles(200, 301);
    source_sql("VACUUM FULL public.profiles");
  }
  static bool stops() { return GetParam().starts_with("stop."); }
  ProgramResult later_run(const std::string& action) const {
    Arguments arguments{"--batch-rows", "50", "--late-rows", "scan", "--allow", "rewritten"};
    if (stops()) arguments.insert(arguments.end(), {"--max-chunks", "1"});
    auto rules = fmt::format("{}={}", GetParam(), action);
    if (GetParam().starts_with("failure.")) rules += ";rows.sent=error";
    return copy(arguments, {{"PGHAUL_FAILPOINTS", rules}});
  }
  void expect_end() const {
    copied({"--allow", "rewritten"});
    expect_equal();
    EXPECT_EQ(target_indexes(), "profiles_name,profiles_other,profiles_pkey");
  }
};
INSTANTIATE_TEST_SUITE_P(Failpoint, ResumeLaterRun, testing::ValuesIn(in_later_runs), as_identifier);

TEST_P(ResumeLaterRun, A1_Kill) {
  const auto result = later_run("kill9");
  ASSERT_EQ(result.status, killed) << GetParam() << " was not met: " << result;
  expect_end();
}

TEST_P(ResumeLaterRun, A8_Error) {
  const auto result = later_run("error");
  EXPECT_EQ(result.status, stops() ? 4 : 0) << result;
  expect_end();
}

}  // namespace
}  // namespace pghaul::test
