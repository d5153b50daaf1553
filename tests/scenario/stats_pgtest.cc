// --stats: where the time went, and which side is named, whatever makes it slow.
#include "fault/cutting_proxy.h"
#include "scenario/copy_test.h"

namespace pghaul::test {
namespace {

class Stats : public CopyTest {
 protected:
  static nlohmann::json stage(const nlohmann::json& report, std::size_t number, const std::string& name) {
    const auto& found = report["stages"][number];
    EXPECT_EQ(found["stage"], name);
    return found;
  }
  static double waited(const nlohmann::json& stage, const std::string& what) {
    return stage["waits"].value(what + "_seconds", 0.0);
  }
  // Of the stage's time, that is made up of its parts.
  static double share(const nlohmann::json& stage, const std::string& what) {
    const double all = stage["time_seconds"];
    const double parts = stage["working_seconds"].get<double>() + stage["for_input_seconds"].get<double>() +
                         stage["for_output_seconds"].get<double>() + stage["held_seconds"].get<double>();
    EXPECT_NEAR(parts, all, 0.001) << stage;
    return waited(stage, what) / all;
  }
  nlohmann::json measured(Arguments more) const {
    more.emplace_back("--stats");
    return copied(std::move(more));
  }
  static Arguments with(Arguments arguments, const std::string& option, const std::string& value) {
    for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
      if (arguments[i] == option) arguments[i + 1] = value;
    }
    return arguments;
  }
  // The same, but one server is reached through `proxy` with so many bytes a second on each connection.
  nlohmann::json through_slow_line(const std::string& side, const std::string& conninfo, int port,
                                   std::int64_t rate) const {
    CuttingProxy proxy(port);
    proxy.set_traffic({.bytes_per_second = rate});
    const auto result = run_pghaul(
        with(command("copy", {"--stats", "--json", "--batch-bytes", "200kB"}), side, proxy.through(conninfo)),
        {}, 120s);
    EXPECT_EQ(result.status, 0) << result;
    return json_of(result);
  }
};

TEST_F(Stats, SlowSource) {
  make_profiles(1500);
  const auto report =
      measured({"--where", "id % 90 <> 0 OR pg_sleep(0.01) IS NOT NULL", "--batch-bytes", "64kB"});
  EXPECT_EQ(report["limit"]["by"], "source server") << report["limit"];
  EXPECT_THAT(report["limit"]["why"].get<std::string>(), HasSubstr("at Timeout"));
  const auto readers = stage(report, 0, "readers"), writers = stage(report, 1, "writers");
  EXPECT_GT(share(readers, "source_rows") + share(readers, "source_answer"), 0.8) << readers;
  EXPECT_GT(share(writers, "no_batch"), 0.7) << writers;
  EXPECT_EQ(readers["rows"], 1500);
  EXPECT_EQ(writers["rows"], 1500);
  EXPECT_EQ(readers["bytes"], writers["bytes"]);
}

TEST_F(Stats, SlowTarget) {
  make_profiles(3000);
  target_sql(
      "CREATE TABLE public.profiles (id bigint PRIMARY KEY, data jsonb); "
      "CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS "
      "$$BEGIN PERFORM pg_sleep(0.0005); RETURN NEW; END$$; "
      "CREATE TRIGGER slow BEFORE INSERT ON public.profiles FOR EACH ROW EXECUTE FUNCTION public.slow()");
  const auto report = measured({"--allow", "triggers", "--batch-bytes", "64kB"});
  EXPECT_EQ(report["limit"]["by"], "target server") << report["limit"];
  EXPECT_GT(share(stage(report, 0, "readers"), "no_room"), 0.5) << report["stages"];
  const auto writers = stage(report, 1, "writers");
  EXPECT_GT(share(writers, "target_answer") + share(writers, "target_room"), 0.8) << writers;
}

TEST_F(Stats, SlowLineFromTheSource) {
  make_profiles(10'000);
  const auto report = through_slow_line("--source", source_conninfo(), source_server().port(), 400'000);
  EXPECT_EQ(report["limit"]["by"], "network from the source") << report["limit"] << report["stages"];
}

TEST_F(Stats, SlowLineToTheTarget) {
  make_profiles(10'000);
  const auto report = through_slow_line("--target", target_conninfo(), target_server().port(), 400'000);
  EXPECT_EQ(report["limit"]["by"], "network to the target") << report["limit"] << report["stages"];
}

TEST_F(Stats, Sleep) {
  make_profiles(4000);
  const auto report = measured({"--sleep", "200ms", "--batch-bytes", "64kB"});
  EXPECT_EQ(report["limit"]["by"], "--sleep") << report["limit"];
  EXPECT_GT(share(stage(report, 0, "readers"), "sleep"), 0.7) << report["stages"];
}

// Threads live from the first row to the last, or nearly so.
TEST_F(Stats, MaxRateAndTheTimesOfTheThreads) {
  make_profiles(4000);
  const auto report =
      measured({"--readers", "3", "--writers", "1", "--max-rate", "200kB/s", "--batch-bytes", "64kB"});
  EXPECT_EQ(report["limit"]["by"], "--max-rate") << report["limit"];
  const double wall = report["time_seconds"];
  const auto readers = stage(report, 0, "readers"), writers = stage(report, 1, "writers");
  EXPECT_GT(share(readers, "rate"), 0.8) << readers;
  EXPECT_EQ(readers["threads"], 3);
  EXPECT_EQ(writers["threads"], 1);
  for (const auto& each : {readers, writers}) {
    const double lived = each["time_seconds"].get<double>() / each["threads"].get<int>();
    EXPECT_GT(lived, 0.7 * wall) << each;
    EXPECT_LE(lived, wall) << each;
    EXPECT_LT(each["cpu_seconds"].get<double>(), each["working_seconds"].get<double>() + 0.1) << each;
  }
}

TEST_F(Stats, IsToldOnlyIfAskedFor) {
  make_profiles(100);
  const auto without = copied();
  EXPECT_FALSE(without.contains("stages"));
  EXPECT_FALSE(without.contains("limit"));
  const auto result = copy({"--full", "--stats", "--progress", "plain", "--max-rate", "8kB/s"});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.out, HasSubstr("where the time went\n"));
  EXPECT_THAT(result.out, HasSubstr("\n  limit       --max-rate: readers were held to the rate"));
  EXPECT_THAT(result.err, HasSubstr("  limit: --max-rate"));
}

TEST_F(Stats, OfAComparison) {
  make_profiles(4000);
  copied();
  const auto result = run_pghaul(command("verify", {"--stats", "--json", "--max-rate", "400kB/s"}), {}, 60s);
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(json_of(result)["limit"]["by"], "--max-rate") << result;
}

}  // namespace
}  // namespace pghaul::test
