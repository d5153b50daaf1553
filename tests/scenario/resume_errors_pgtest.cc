// One error, or a pause, at every failpoint: the run gets over it.
#include "scenario/resume.h"

namespace pghaul::test {
namespace {

class GetsOver : public Resume, public testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(Failpoint, GetsOver, testing::ValuesIn(names_of_first_copy()), as_identifier);

TEST_P(GetsOver, A8_Error) {
  make_tables();
  const auto result = copy(three_tables(), failing(GetParam(), "error"));
  EXPECT_EQ(result.status, 0) << result;
  expect_all_equal();
}

TEST_F(Resume, EverythingTakesItsTime) {
  make_tables();
  std::string all;
  for (const auto& name : names()) all += name + "=sleep(60);";
  const auto result = copy(three_tables(), {{"PGHAUL_FAILPOINTS", all}});
  EXPECT_EQ(result.status, 0) << result;
  expect_all_equal();
}

}  // namespace
}  // namespace pghaul::test
