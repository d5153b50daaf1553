#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <thread>
#include <vector>

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <gmock/gmock.h>

#include "command/commands.h"
#include "command/demo_checks.h"
#include "command/demo_digest.h"
#include "command/demo_servers.h"
#include "command/demo_table.h"
#include "pghaul/error.h"
#include "support/program.h"

namespace pghaul::test {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Everything that a demonstration makes is in a folder of the test's own, so that what is left can be seen.
class Demo : public testing::Test {
 protected:
  Demo() {
    folder_ = (fs::temp_directory_path() / "demo-XXXXXX").string();
    if (::mkdtemp(folder_.data()) == nullptr) ADD_FAILURE() << "mkdtemp";
    ::chmod(folder_.c_str(), 0755);  // the servers may run as another user
  }
  ~Demo() override { fs::remove_all(folder_); }

  // With settings for other servers, which must not matter.
  Environment environment() const {
    return {{"TMPDIR", folder_}, {"PGHOSTADDR", "192.0.2.1"}, {"PGHAUL_LEDGER_SCHEMA", "other"}};
  }

  std::vector<std::string> files_left() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename());
    return names;
  }

  // Servers name their folder in their command line.
  std::vector<std::string> processes_left() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "cmdline");
      const std::string line{std::istreambuf_iterator<char>(file), {}};
      if (line.find(folder_) != std::string::npos) found.push_back(line);
    }
    return found;
  }

  std::string folder_;
};

void wait_for_text(const RunningProgram& program, const std::string& text) {
  const auto deadline = Deadline::after(std::chrono::minutes(1));
  while (program.out().find(text) == std::string::npos) {
    ASSERT_FALSE(deadline.expired()) << text << " did not appear in: " << program.out() << program.err();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

TEST_F(Demo, KillsResumesComparesAndCleansUp) {
  const auto result = run_pghaul({"demo", "--rows", "50000"}, environment(), std::chrono::minutes(3));
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.out, ContainsRegex("ledger: [1-9][0-9]* chunks done, [1-9][0-9]* pending"));
  EXPECT_THAT(result.out, ContainsRegex("Of the [1-9][0-9]* chunks done before the kill, 0 were done again"));
  const std::regex digest("(PROD |STATS) 50,000 rows  ([0-9a-f]{64})");
  std::vector<std::string> digests;
  for (std::sregex_iterator i(result.out.begin(), result.out.end(), digest), end; i != end; ++i) {
    digests.push_back((*i)[2]);
  }
  ASSERT_EQ(digests.size(), 2U) << result;
  EXPECT_EQ(digests[0], digests[1]);
  EXPECT_THAT(result.out, HasSubstr("   EQUAL"));
  EXPECT_THAT(result.out, Not(HasSubstr("password=")));
  EXPECT_THAT(files_left(), IsEmpty());
  EXPECT_THAT(processes_left(), IsEmpty());
}

TEST_F(Demo, ASignalStopsItAndNothingIsLeft) {
  auto program = start_pghaul({"demo", "--rows", "50000"}, environment());
  wait_for_text(program, "3. Copying");
  EXPECT_THAT(processes_left(), Not(IsEmpty()));  // the test sees servers
  program.process().signal(SIGTERM);
  const auto result = program.finish(std::chrono::seconds(15));
  EXPECT_EQ(result.status, 4) << result;
  EXPECT_THAT(result.err, HasSubstr("stopped by a signal"));
  EXPECT_THAT(files_left(), IsEmpty());
  EXPECT_THAT(processes_left(), IsEmpty());
}

TEST_F(Demo, KeepLeavesTheData) {
  const auto result = run_pghaul({"demo", "--rows", "20000", "--keep"}, environment(), std::chrono::minutes(3));
  EXPECT_EQ(result.status, 0) << result;
  ASSERT_THAT(files_left(), testing::SizeIs(1));
  const auto kept = folder_ + "/" + files_left().front();
  EXPECT_THAT(result.out, HasSubstr(kept));
  EXPECT_TRUE(fs::exists(kept + "/prod/data/PG_VERSION"));
  EXPECT_TRUE(fs::exists(kept + "/stats/data/PG_VERSION"));
  EXPECT_THAT(processes_left(), IsEmpty());
}

TEST_F(Demo, SaysWhatToInstallAndWhatToGive) {
  auto nowhere = environment();
  nowhere.emplace_back("PGHAUL_PG_BINDIR", folder_);
  const auto missing = run_pghaul({"demo"}, nowhere);
  EXPECT_EQ(missing.status, 3) << missing;
  EXPECT_THAT(missing.err, HasSubstr("apt-get install postgresql"));
  const auto few = run_pghaul({"demo", "--rows", "9999"}, environment());
  EXPECT_EQ(few.status, 2) << few;
  EXPECT_THAT(few.err, HasSubstr("9999"));
}

// pghaul, but the copy that ends by itself has damaged one row afterwards.
std::string make_damaging_program(const std::string& folder) {
  const auto path = folder + "/damaging";
  std::ofstream(path) << "#!/bin/sh\n"
                      << "if [ \"$1\" != copy ] || ! [ -e \"$0.second\" ]; then touch \"$0.second\"; exec '"
                      << PGHAUL_BINARY << "' \"$@\"; fi\n"
                      << "'" << PGHAUL_BINARY << "' \"$@\" && '" << demonstration::required_bindir()
                      << "/psql' -d \"$PGHAUL_TARGET\" -c "
                      << "\"UPDATE public.profiles SET data = data || '{\\\"active\\\": null}' WHERE id = 7\"\n";
  fs::permissions(path, fs::perms::owner_all);
  return path;
}

TEST_F(Demo, SeesADifference) {
  StopSource stop;
  DemoOptions options;
  options.rows = 20'000;
  options.program = make_damaging_program(folder_);
  testing::internal::CaptureStdout();
  const int code = demo(options, stop);
  const auto said = testing::internal::GetCapturedStdout();
  EXPECT_EQ(code, 1) << said;
  EXPECT_THAT(said, HasSubstr("   DIFFERENT"));
}

TEST(DemoTable, HasBurstsGapsAndAboutThreeHundredBytesARow) {
  StopSource stop;
  const demonstration::Servers servers(stop);
  auto prod = servers.connect_prod();
  const auto table = demonstration::make_profiles(prod, 12'000);
  EXPECT_EQ(table.rows, 12'000);
  const auto gaps = prod.run(
      "SELECT count(*) FILTER (WHERE gap = 1), count(*) FILTER (WHERE gap BETWEEN 1000000 AND 2000000), "
      "count(*) FILTER (WHERE gap > 1000000000000 - 1) FROM (SELECT id - lag(id) OVER (ORDER BY id) AS gap "
      "FROM public.profiles) g",
      Deadline::after(std::chrono::minutes(1)));
  EXPECT_GT(gaps.int64(0, 0), 10'000);
  EXPECT_EQ(gaps.int64(0, 1), 12);
  EXPECT_EQ(gaps.int64(0, 2), 1);
  const auto rows = prod.run(
      "SELECT avg(length(data::text)), count(DISTINCT data), count(*) FILTER (WHERE data IS NULL), "
      "(SELECT last_value FROM public.profiles_id_seq) = max(id) FROM public.profiles",
      Deadline::after(std::chrono::minutes(1)));
  EXPECT_NEAR(rows.number(0, 0), 280, 30);
  EXPECT_EQ(rows.int64(0, 1) + rows.int64(0, 2), 12'000);
  EXPECT_GT(rows.int64(0, 2), 0);
  EXPECT_TRUE(rows.boolean(0, 3));
}

}  // namespace
}  // namespace pghaul::test
