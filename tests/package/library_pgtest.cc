// The library as it is installed: somebody's project finds it, builds with it, and runs; and it shows what it should.
#include <fstream>
#include <iterator>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "library/folder.h"
#include "support/servers.h"

namespace pghaul::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

ProgramResult run(const Arguments& argv) {
  ProcessOptions options;
  options.argv = argv;
  options.environment = {{"LC_ALL", "C.UTF-8"}};
  return run_program(options);
}

class InstalledLibrary : public ServersTest {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<Folder>();
    fs::permissions(folder->path(), fs::perms(0755));
    const auto installed = run({"cmake", "--install", PGHAUL_BUILD_DIR, "--prefix", prefix()});
    ASSERT_EQ(installed.status, 0) << installed;
  }
  static void TearDownTestSuite() { folder.reset(); }

  static fs::path prefix() { return folder->path() / "prefix"; }
  static fs::path library() {
    for (const auto& entry : fs::recursive_directory_iterator(prefix())) {
      if (entry.path().filename() == "libpghaul.so") return entry.path();
    }
    return {};
  }

  static inline std::unique_ptr<Folder> folder;
};

TEST_F(InstalledLibrary, SomebodysProjectBuildsWithItAndRuns) {
  source_sql("CREATE TABLE public.t (id bigint PRIMARY KEY); INSERT INTO public.t SELECT generate_series(1, 1000)");
  const auto build = folder->path() / "build";
  const auto configured = run({"cmake", "-S", PGHAUL_SOURCE_DIR "/tests/package/consumer", "-B", build,
                               "-DCMAKE_PREFIX_PATH=" + prefix().string(), "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror"});
  ASSERT_EQ(configured.status, 0) << configured;
  const auto built = run({"cmake", "--build", build});
  ASSERT_EQ(built.status, 0) << built;
  const auto result = run({"env", "-C", folder->path(), build / "consumer", source_conninfo(), target_conninfo(), "public.t"});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.out, "1000\n");
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.t"), "1000");
}

TEST_F(InstalledLibrary, ShowsItsInterfaceAndNothingElse) {
  const auto symbols = run({"nm", "-DC", "--defined-only", library()});
  ASSERT_EQ(symbols.status, 0) << symbols;
  std::istringstream lines(symbols.out);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto name = line.substr(line.find(' ', line.find(' ') + 1) + 1);
    EXPECT_THAT(name, testing::MatchesRegex("(typeinfo for |typeinfo name for |vtable for )?pghaul::.*"));
    EXPECT_THAT(name, testing::Not(testing::AnyOf(HasSubstr("fmt::"), HasSubstr("spdlog"), HasSubstr("State"))));
  }
  EXPECT_GT(count, 30);
}

TEST_F(InstalledLibrary, PkgConfigKnowsIt) {
  std::string text;
  for (const auto& entry : fs::recursive_directory_iterator(prefix())) {
    if (entry.path().filename() != "pghaul.pc") continue;
    std::ifstream file(entry.path());
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  EXPECT_THAT(text, HasSubstr("Version: 0."));
  EXPECT_THAT(text, HasSubstr("-lpghaul"));
  EXPECT_THAT(text, HasSubstr("prefix=${pcfiledir}/../")) << "it may be moved";
  for (const auto* name : {"libdir", "includedir"}) {
    EXPECT_THAT(text, HasSubstr(std::string(name) + "=${prefix}/"));
  }
}

TEST_F(InstalledLibrary, AnotherMinorVersionIsNotTaken) {
  const auto project = folder->path() / "newer";
  fs::create_directory(project);
  std::ofstream(project / "CMakeLists.txt") << "cmake_minimum_required(VERSION 3.21)\nproject(newer LANGUAGES CXX)\n"
                                               "find_package(pghaul 0.99 REQUIRED)\n";
  const auto configured = run({"cmake", "-S", project, "-B", project / "build", "-DCMAKE_PREFIX_PATH=" + prefix().string()});
  EXPECT_NE(configured.status, 0);
  EXPECT_THAT(configured.err, HasSubstr("0.99"));
}

}  // namespace
}  // namespace pghaul::test
