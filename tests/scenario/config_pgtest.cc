// Copies that stand in a configuration file.
#include <fstream>

#include "scenario/copy_test.h"
#include "support/temporary_folder.h"

namespace pghaul::test {
namespace {

class Config : public CopyTest {
 protected:
  // Both servers by reference, as nobody may put a password into the file.
  void write(const std::string& copies) const {
    std::ofstream(path_) << "[defaults]\nsource = {env = \"PROD\"}\ntarget = {env = \"STATS\"}\nprogress = \"none\"\n"
                         << copies;
  }
  ProgramResult run(Arguments arguments) const {
    arguments.insert(arguments.begin() + 1, {"--config", path_});
    return run_pghaul(arguments, {{"PROD", source_conninfo()}, {"STATS", target_conninfo()}}, 120s);
  }
  void make_events() const {
    source_sql(
        "CREATE TABLE public.events (id int PRIMARY KEY, v text);"
        "INSERT INTO public.events SELECT g, 'e' || g FROM generate_series(1, 500) g; ANALYZE public.events");
  }
  std::string target_has(const std::string& table) const {
    return target_sql(fmt::format("SELECT to_regclass('public.{}') IS NOT NULL", table));
  }

  const TemporaryFolder folder_;
  const std::string path_ = folder_.file("config_pgtest.toml");
};

constexpr auto kTwo = R"(
[[copy]]
name = "people"
tables = ["profiles"]
where = "id <= 300"
[[copy]]
name = "events"
tables = ["public.events"]
batch-bytes = "64kB"
)";

TEST_F(Config, AllCopiesOfTheFileOneAfterTheOther) {
  make_profiles(200), make_events();
  write(kTwo);
  const auto result = run({"copy"});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.out, testing::StartsWith("copy people\npublic.profiles -> public.profiles: complete\n"));
  EXPECT_THAT(result.out, HasSubstr("\ncopy events\npublic.events -> public.events: complete\n"));
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.profiles"), "100");
  expect_equal("public.events");
}

TEST_F(Config, OnlyTheNamedOneAndTheRestLater) {
  make_profiles(200), make_events();
  write(kTwo);
  const auto result = run({"copy", "events", "--json"});
  EXPECT_EQ(result.status, 0) << result;
  const auto document = json_of(result);
  ASSERT_EQ(document["copies"].size(), 1u);
  EXPECT_EQ(document["copies"][0]["name"], "events");
  EXPECT_EQ(document["copies"][0]["tables"][0]["rows"], 500);
  EXPECT_EQ(document["exit_code"], 0);
  EXPECT_EQ(target_has("profiles"), "f");
  const auto rest = json_of(run({"copy", "--json"}));
  EXPECT_EQ(rest["copies"][0]["tables"][0]["rows"], 100);
  EXPECT_EQ(rest["copies"][1]["tables"][0]["rows"], 0) << "done before";
}

TEST_F(Config, TheFirstCopyThatFailsIsTheLast) {
  make_profiles(20), make_events();
  write("[[copy]]\nname = \"gone\"\ntables = [\"no_such\"]\n" + std::string(kTwo));
  const auto result = run({"copy", "--json"});
  EXPECT_EQ(result.status, 3) << result;
  const auto document = json_of(result);
  ASSERT_EQ(document["copies"].size(), 1u);
  EXPECT_EQ(document["copies"][0]["name"], "gone");
  EXPECT_EQ(document["copies"][0]["error"]["kind"], "refused");
  EXPECT_EQ(document["exit_code"], 3);
  EXPECT_EQ(target_has("events"), "f");
  EXPECT_THAT(result.err, HasSubstr("no_such"));
}

// The first takes 4 s at least, and may take 8 more on a busy machine; the second would take 50.
TEST_F(Config, ATypedTimeoutIsForAllCopiesTogether) {
  make_profiles(200), make_events();
  write(R"(readers = 1
[[copy]]
name = "people"
tables = ["profiles"]
sleep = "4s"
[[copy]]
name = "events"
tables = ["events"]
batch-rows = 10
sleep = "1s"
)");
  const auto begin = Deadline::Clock::now();
  const auto result = run({"copy", "--timeout", "12s", "--json"});
  const auto time = Deadline::Clock::now() - begin;
  EXPECT_EQ(result.status, 4) << result;
  EXPECT_GE(time, 12s);
  EXPECT_LT(time, 16s) << "and not 12 s for the second alone";
  const auto document = json_of(result);
  ASSERT_EQ(document["copies"].size(), 2u) << result;
  EXPECT_EQ(document["copies"][0]["exit_code"], 0);
  EXPECT_EQ(document["copies"][1]["error"]["kind"], "stopped");
  EXPECT_EQ(run({"copy", "--sleep", "0"}).status, 0) << "and goes on";
  expect_equal("public.events");
}

TEST_F(Config, PlanAndStatusTakeTheFileToo) {
  make_profiles(200), make_events();
  write(kTwo);
  const auto plan = run({"plan"});
  EXPECT_EQ(plan.status, 0) << plan;
  EXPECT_THAT(plan.out, HasSubstr("copy people\n"));
  EXPECT_THAT(plan.out, HasSubstr("copy events\n"));
  EXPECT_EQ(target_has("events"), "f");
  EXPECT_EQ(run({"copy", "events"}).status, 0);
  const auto status = run({"status"});
  EXPECT_EQ(status.status, 0) << status;
  EXPECT_THAT(status.out, HasSubstr("public.events"));
}

TEST_F(Config, MistakesAreToldBeforeAServerIsAsked) {
  write("[[copy]]\nname = \"a\"\ntables = [\"t\"]\nreader = 3\n");
  for (const auto* verb : {"copy", "plan", "status"}) {
    const auto result = run({verb});
    EXPECT_EQ(result.status, 2) << result;
    EXPECT_THAT(result.err, HasSubstr(path_ + ":8: unknown key 'reader'\n  next:   write readers\n"));
  }
}

}  // namespace
}  // namespace pghaul::test
