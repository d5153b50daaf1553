// The examples do what the documents say that they print.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "library/folder.h"
#include "support/servers.h"

namespace pghaul::test {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Examples : public ServersTest {
 protected:
  ProgramResult run(const std::string& name, Arguments arguments) const {
    ProcessOptions options;
    options.argv = std::move(arguments);
    options.argv.insert(options.argv.begin(), {"env", "-C", folder_.path().string(), PGHAUL_BUILD_DIR "/examples/" + name});
    return run_program(options);
  }
  // As a block of a document: the command line, then what it printed.
  static void expect_documented(const std::string& command, const std::string& output) {
    for (const auto* document : {"README.md", "docs/library.md"}) {
      EXPECT_THAT(content(fs::path(PGHAUL_SOURCE_DIR) / document), testing::HasSubstr("$ " + command + "\n" + output + "```"))
          << document;
    }
  }

  Folder folder_;
};

TEST_F(Examples, InMemory) {
  for (int again = 0; again < 3; ++again) {
    const auto result = run("in_memory", {});
    EXPECT_EQ(result.status, 0) << result;
    EXPECT_EQ(result.err, "");
    expect_documented("in_memory", result.out);
  }
}

TEST_F(Examples, PgToPg) {
  source_sql("CREATE TABLE public.profiles (id bigint PRIMARY KEY, data text);"
             "INSERT INTO public.profiles SELECT 3 * i, 'x' FROM generate_series(1, 30000) i; ANALYZE public.profiles");
  const auto result = run("pg_to_pg", {source_conninfo(), target_conninfo(), "public.profiles"});
  EXPECT_EQ(result.status, 0) << result;  // what it notes of these servers goes to standard error
  expect_documented("pg_to_pg 'host=prod dbname=shop' 'host=stats dbname=bi' public.profiles", result.out);
  EXPECT_EQ(target_sql("SELECT count(*), sum(id) FROM public.profiles"), source_sql("SELECT count(*), sum(id) FROM public.profiles"));

  const auto refused = run("pg_to_pg", {source_conninfo(), target_conninfo(), "nowhere"});
  EXPECT_EQ(refused.status, 3) << refused;
  EXPECT_EQ(run("pg_to_pg", {}).status, 2);
}

TEST(ExampleSources, AreShownAsTheyAre) {
  for (const auto* name : {"in_memory.cc", "pg_to_pg.cc"}) {
    const auto source = content(fs::path(PGHAUL_SOURCE_DIR) / "examples" / name);
    EXPECT_THAT(content(fs::path(PGHAUL_SOURCE_DIR) / "docs/library.md"), testing::HasSubstr("```cpp\n" + source + "```"));
  }
}

}  // namespace
}  // namespace pghaul::test
