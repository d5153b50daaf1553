// The Debian package of the build under test, unpacked into an empty folder: what is in it works from there.
// scripts/package makes the one for users the same way, from a build without failpoints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "support/program.h"

namespace pghaul::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::MatchesRegex;

ProgramResult run(const Arguments& argv) {
  ProcessOptions options;
  options.argv = argv;
  options.environment = {{"LC_ALL", "C.UTF-8"}};
  return run_program(options);
}

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Package : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string name = (fs::temp_directory_path() / "pghaul-package-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    fs::permissions(folder, fs::perms(0755));  // the demo's servers may be of another user
    const auto made = run({"cpack", "--config", PGHAUL_BUILD_DIR "/CPackConfig.cmake", "-B", folder / "made"});
    ASSERT_EQ(made.status, 0) << made;
    for (const auto& entry : fs::directory_iterator(folder / "made")) {
      if (entry.path().extension() == ".deb") deb = entry.path();
    }
    ASSERT_FALSE(deb.empty()) << made;
    const auto unpacked = run({"dpkg-deb", "-x", deb, root()});
    ASSERT_EQ(unpacked.status, 0) << unpacked;
  }
  static void TearDownTestSuite() { fs::remove_all(folder); }

  static fs::path root() { return folder / "root"; }
  static ProgramResult run_installed(Arguments arguments) {
    arguments.insert(arguments.begin(), root() / "usr/bin/pghaul");
    return run(arguments);
  }

  static inline fs::path folder, deb;
};

TEST_F(Package, ItsProgramTellsVersionAndHelp) {
  const auto version = run_installed({"--version"});
  EXPECT_EQ(version.status, 0) << version;
  EXPECT_THAT(deb.filename().string(), HasSubstr("pghaul_" + version.out.substr(7, version.out.size() - 8) + "_"));
  EXPECT_THAT(run_installed({"--help"}).out, HasSubstr("The manual: man pghaul\n"));
}

TEST_F(Package, ItsProgramRunsTheDemo) {
  const auto demo = run_installed({"demo", "--rows", "10000"});
  EXPECT_EQ(demo.status, 0) << demo;
  EXPECT_THAT(demo.out, HasSubstr("EQUAL"));
}

TEST_F(Package, HasManualCompletionsLicenceAndTheDocumentsThatTheReadmeLinks) {
  const auto share = root() / "usr/share";
  const auto manual = run({"man", "--warnings", "-l", share / "man/man1/pghaul.1.gz"});
  EXPECT_EQ(manual.status, 0) << manual;
  EXPECT_EQ(manual.err, "");
  EXPECT_THAT(manual.out, HasSubstr("EXIT STATUS"));
  EXPECT_THAT(content(share / "bash-completion/completions/pghaul"),
              HasSubstr("complete -o filenames -F _pghaul pghaul"));
  bool for_zsh = false;
  for (const auto& entry : fs::recursive_directory_iterator(share / "zsh")) {
    for_zsh |= entry.path().filename() == "_pghaul" && content(entry.path()).starts_with("#compdef pghaul\n");
  }
  EXPECT_TRUE(for_zsh);
  EXPECT_THAT(content(share / "doc/pghaul/copyright"), HasSubstr("MIT License"));
  for (const auto* name : {"README.md", "docs/guarantees.md", "docs/security.md"}) {
    EXPECT_EQ(content(share / "doc/pghaul" / name), content(fs::path(PGHAUL_SOURCE_DIR) / name));
  }
}

TEST_F(Package, HasTheLibraryForPrograms) {
  const auto list = run({"dpkg-deb", "-c", deb});
  for (const auto* file : {"/libpghaul.so ", "/libpghaul.so.0.", "/include/pghaul/copy_table.h", "/include/pghaul/pg_copy.h",
                           "/cmake/pghaul/pghaul-config.cmake", "/pkgconfig/pghaul.pc", "/examples/pg_to_pg.cc"}) {
    EXPECT_THAT(list.out, HasSubstr(file));
  }
  EXPECT_THAT(list.out, testing::Not(HasSubstr(".a\n")));
  EXPECT_THAT(run({"dpkg-deb", "-I", deb}).out, HasSubstr("shlibs"));
}

TEST_F(Package, DependsOnTheLibrariesThatTheProgramLoads) {
  const auto depends = run({"dpkg-deb", "-f", deb, "Depends"});
  EXPECT_THAT(depends.out, HasSubstr("libpq5"));
  EXPECT_THAT(depends.out, HasSubstr("libc6 (>= "));
  EXPECT_THAT(depends.out, testing::Not(HasSubstr("-dev")));
}

TEST_F(Package, EverythingBelongsToRootAndNobodyElseMayWrite) {
  const auto list = run({"dpkg-deb", "-c", deb});
  std::istringstream lines(list.out);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_THAT(line, MatchesRegex("([-d]rw[-x]r-[-x]r-[-x]|lrwxrwxrwx) root/root .*"));
  }
  EXPECT_GT(count, 15);
}

}  // namespace
}  // namespace pghaul::test
