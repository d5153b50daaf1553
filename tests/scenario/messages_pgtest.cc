// Whatever ends a run is told in all its parts, once, with --json as well.
#include "scenario/copy_test.h"
#include "support/message.h"

namespace pghaul::test {
namespace {

class Messages : public CopyTest {
 protected:
  void expect_whole_message(const std::string& verb, const Arguments& more, int status) const {
    for (const Arguments& form : {Arguments{}, Arguments{"--json"}}) {
      auto arguments = command(verb, more);
      arguments.insert(arguments.end(), form.begin(), form.end());
      const auto result = run_pghaul(arguments, {}, 120s);
      EXPECT_EQ(result.status, status) << result;
      EXPECT_EQ(missing_parts(result), "") << result;
    }
  }
};

TEST_F(Messages, OfACopyThatIsRefused) {
  make_profiles(10);
  expect_whole_message("copy", {"--table", "no_such_table"}, 3);
  expect_whole_message("copy", {"--where", "nonsense("}, 3);
  expect_whole_message("copy", {"--columns", "id,nothing"}, 3);
  target_sql("CREATE TABLE public.profiles (id bigint, data jsonb); INSERT INTO public.profiles VALUES (1, '{}')");
  expect_whole_message("copy", {}, 3);
  target_sql("DROP TABLE public.profiles; CREATE VIEW public.profiles AS SELECT 1 AS id");
  expect_whole_message("copy", {}, 3);
}

TEST_F(Messages, OfServersThatAreNotThereOrNotTwo) {
  make_profiles(10);
  const auto copy_with = [&](const std::string& source, const std::string& target, int status) {
    const auto result = run_pghaul({"copy", "--source", source, "--target", target, "--table", profiles, "--json"});
    EXPECT_EQ(result.status, status) << result;
    EXPECT_EQ(missing_parts(result), "") << result;
    return result;
  };
  copy_with(source_conninfo() + " port=1", target_conninfo(), 3);
  copy_with(source_conninfo(), target_conninfo() + " dbname=none_such", 3);
  copy_with(source_conninfo(), source_conninfo(), 3);
  copy_with(source_conninfo() + " user=nobody_known", target_conninfo(), 3);
}

TEST_F(Messages, OfWhatFailsInMidCopy) {
  make_profiles(100);
  target_sql("CREATE TABLE public.profiles (id bigint PRIMARY KEY CHECK (id < 200), data jsonb)");
  expect_whole_message("copy", {}, 5);
}

TEST_F(Messages, OfAStop) {
  make_profiles(2000);
  expect_whole_message("copy", {"--batch-bytes", "64kB", "--max-chunks", "1"}, 4);
}

TEST_F(Messages, OfPlanAndStatus) {
  const auto refused = [](const Arguments& arguments) {
    const auto result = run_pghaul(arguments);
    EXPECT_EQ(result.status, 3) << result;
    EXPECT_EQ(missing_parts(result), "") << result;
  };
  refused({"plan", "--source", source_conninfo() + " port=1", "--target", target_conninfo(), "--table", profiles});
  refused({"status", "--target", target_conninfo() + " port=1"});
  refused({"status", "--target", target_conninfo() + " port=1", "--json"});
}

}  // namespace
}  // namespace pghaul::test
