#include "cli/settings.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "pghaul/error.h"
#include "support/temporary_folder.h"

namespace pghaul {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Words = std::vector<std::string>;
using Variables = std::map<std::string, std::string>;

constexpr auto kTwoCopies = R"([defaults]
source = "host=a"
target = {env = "STATS"}
readers = 3
writers = 3
sleep = "1s"
json = true
[[copy]]
name = "one"
tables = ["t", "s.u"]
readers = 5
timeout = "1h"
[[copy]]
name = "two"
tables = ["v"]
source = "host=b"
)";

// A file of its own for each test.
class SettingsTest : public testing::Test {
 protected:
  Invocation parse(const std::string& file, Words words, const Variables& variables = {{"STATS", "host=c"}}) {
    std::ofstream(path_) << file;
    words.insert(words.begin() + 1, {"--config", path_});
    return parse_options(words, [&](const char* name) {
      const auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second.c_str();
    });
  }
  // With the file's path as FILE.
  std::string refusal(const std::string& file, const Words& words, const Variables& variables = {{"STATS", "host=c"}}) {
    try {
      parse(file, words, variables);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return without_path(error.what() + (error.advice().empty() ? "" : "; " + error.advice()));
    }
    return "taken";
  }
  std::string without_path(std::string text) const {
    for (auto at = text.find(path_); at != std::string::npos; at = text.find(path_))
      text.replace(at, path_.size(), "FILE");
    return text;
  }

  const test::TemporaryFolder folder_;
  const std::string path_ = folder_.file("settings.toml");
};

TEST_F(SettingsTest, CommandLineBeforeEnvironmentBeforeCopyBeforeDefaults) {
  const Variables variables{{"STATS", "host=c"}, {"PGHAUL_WRITERS", "7"}, {"PGHAUL_SLEEP", "2s"}};
  const auto invocation = parse(kTwoCopies, {"copy", "--sleep", "9s"}, variables);
  ASSERT_EQ(invocation.copies.size(), 2u);
  const auto &one = invocation.copies[0].options, &two = invocation.copies[1].options;
  EXPECT_EQ(invocation.copies[0].name, "one");
  EXPECT_THAT(one.tables, ElementsAre("t", "s.u"));
  EXPECT_THAT(two.tables, ElementsAre("v"));
  EXPECT_EQ(one.source, "host=a");
  EXPECT_EQ(two.source, "host=b") << "the copy before the defaults";
  EXPECT_EQ(one.target, "host=c") << "by reference";
  EXPECT_EQ(one.readers, 5);
  EXPECT_EQ(two.readers, 3);
  EXPECT_EQ(one.writers, 7) << "the environment before the file";
  EXPECT_EQ(one.sleep, std::chrono::seconds(9)) << "the command line before the environment";
  EXPECT_EQ(one.max_retries, PgCopyOptions().max_retries);
  EXPECT_EQ(one.timeout, std::chrono::hours(1));
  EXPECT_EQ(two.timeout, PgCopyOptions().timeout) << "nothing of one copy is in the next";
  EXPECT_TRUE(invocation.json);
}

TEST_F(SettingsTest, NamesChooseInTheirOrder) {
  EXPECT_EQ(parse(kTwoCopies, {"copy", "two"}).copies.at(0).name, "two");
  const auto both = parse(kTwoCopies, {"plan", "two", "one"}).copies;
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[1].name, "one");
  EXPECT_THAT(refusal(kTwoCopies, {"copy", "three"}), StartsWith("FILE has no copy of that name"));
  EXPECT_THAT(refusal(kTwoCopies, {"copy", "one", "one"}), StartsWith("the copy one is named twice"));
  EXPECT_THAT(refusal(kTwoCopies, {"copy", "one", "--raeders"}), StartsWith("unknown option --raeders"));
  EXPECT_THAT(refusal("[defaults]\n", {"copy", "one"}), StartsWith("FILE has no copy of that name"));
}

TEST_F(SettingsTest, WithoutCopiesTheDefaultsServeTheCommandLine) {
  const auto invocation =
      parse("[defaults]\nsource = 'host=a'\ntarget = 'host=b'\nfull = true\n", {"copy", "--table", "t"});
  ASSERT_EQ(invocation.copies.size(), 1u);
  EXPECT_EQ(invocation.copy.source, "host=a");
  EXPECT_THAT(invocation.copy.tables, ElementsAre("t"));
  EXPECT_TRUE(invocation.copy.full);
}

TEST_F(SettingsTest, AFlagOfACopyCanBeOff) {
  const auto file =
      "[defaults]\nsource = 'host=a'\ntarget = 'host=b'\nfull = true\n"
      "[[copy]]\nname = 'a'\ntables = 't'\nfull = false\n[[copy]]\nname = 'b'\ntables = 'u'\n";
  EXPECT_FALSE(parse(file, {"copy"}).copies.at(0).options.full);
  EXPECT_TRUE(parse(file, {"copy"}).copies.at(1).options.full);
  EXPECT_TRUE(parse(file, {"copy", "--full"}).copies.at(0).options.full);
}

TEST_F(SettingsTest, TheVariableOfTheFileItself) {
  std::ofstream(path_) << "[defaults]\ntarget = 'host=x'\n";
  const auto invocation = parse_options({"status"}, [&](const char* name) {
    return std::string_view(name) == "PGHAUL_CONFIG" ? path_.c_str() : nullptr;
  });
  EXPECT_EQ(invocation.status.target, "host=x");
}

TEST_F(SettingsTest, ValuesThatDoNotFitAreToldWithTheirPlace) {
  const std::string start = "[defaults]\nsource = 'host=a'\ntarget = 'host=b'\n";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"readers = 65\n[[copy]]\nname = 'c'\ntables = 't'\n",
       "FILE:4: readers: '65' is not a whole number from 1 to 64"},
      {"chunk-by = 'hash'\n[[copy]]\nname = 'c'\ntables = 't'\n", "FILE:4: chunk-by: 'hash' is not one of auto, key"},
      {"timeout = '5'\n[[copy]]\nname = 'c'\ntables = 't'\n", "FILE:4: timeout: '5' is not a time"},
      {"[[copy]]\nname = 'c'\n", "FILE:4: copy c: --table is missing"},
      {"[[copy]]\nname = 'c'\ntables = ['t',\n 'public.T']\n", "FILE:6: copy c: --table: public.t is given twice"},
      {"[[copy]]\nname = 'c'\ntables = ['a.b.c']\n", "FILE:6: copy c: --table: "},
      {"[[copy]]\nname = 'c'\ntables = 't'\nfull = true\non-conflict = 'skip'\n",
       "FILE:7: copy c: --full and --on-conflict skip contradict"},
      {"[[copy]]\nname = 'c'\ntables = 't'\n\n[[copy]]\nname = 'd'\ntables = ['u', 'public.t']\n",
       "FILE:10: copy d: public.t is also in copy c; name each table once"},
      {"ledger-schema = 'pg_x'\n[[copy]]\nname = 'c'\ntables = 't'\n", "FILE:4: copy c: --ledger-schema: pg_x belongs"},
  };
  for (const auto& [rest, message] : cases) EXPECT_THAT(refusal(start + rest, {"copy"}), StartsWith(message));
  EXPECT_EQ(
      refusal(
          start + "[[copy]]\nname = 'c'\ntables = 't'\nwhere = 'a'\n[[copy]]\nname = 'd'\ntables = 't'\nwhere = 'b'\n",
          {"copy"}),
      "taken")
      << "other rows of the same table";
}

TEST_F(SettingsTest, ReferencesAndTheirAbsence) {
  EXPECT_THAT(refusal(kTwoCopies, {"copy"}, {}), StartsWith("FILE:3: target: the variable STATS is not set"));
  EXPECT_THAT(refusal(kTwoCopies, {"copy"}, {{"STATS", ""}}),
              StartsWith("FILE:3: target: the variable STATS is not set"));
  EXPECT_EQ(refusal(kTwoCopies, {"copy", "--target", "host=d"}, {}), "taken") << "not needed";
}

TEST_F(SettingsTest, OneTableOptionDoesNotStandForSeveralCopies) {
  EXPECT_THAT(refusal(kTwoCopies, {"copy", "--table", "x"}),
              StartsWith("--table cannot stand for the tables of 2 copies"));
  EXPECT_THAT(parse(kTwoCopies, {"copy", "one", "--table", "x"}).copy.tables, ElementsAre("x"));
}

TEST_F(SettingsTest, StatusAsksOneTarget) {
  EXPECT_EQ(parse(kTwoCopies, {"status"}).status.target, "host=c");
  const auto file = "[[copy]]\nname = 'a'\ntarget = 'host=a'\n[[copy]]\nname = 'b'\ntarget = 'host=b'\n";
  EXPECT_THAT(refusal(file, {"status"}), StartsWith("the copies of the file have several targets; name one copy"));
  EXPECT_EQ(parse(file, {"status", "b"}).status.target, "host=b");
}

TEST_F(SettingsTest, ShowTellsValuesAndOriginsWithoutPasswords) {
  const Variables variables{{"STATS", "postgresql://u:hunter2@c/d"}, {"PGHAUL_WRITERS", "7"}};
  const auto invocation = parse(kTwoCopies, {"config", "show", "--source", "host=x password=hunter2"}, variables);
  const auto text = without_path(config_text(invocation));
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  EXPECT_THAT(text, StartsWith("copy one\n"));
  EXPECT_THAT(text, HasSubstr("\ncopy two\n"));
  EXPECT_THAT(text, HasSubstr("  source                password=(not shown) host=x      --source\n"));
  EXPECT_THAT(text, HasSubstr("user=u password=(not shown) dbname=d host=c STATS, FILE:3\n"));
  EXPECT_THAT(text, HasSubstr("  tables                t, s.u                           FILE:10\n"));
  EXPECT_THAT(text, HasSubstr("  readers               5                                FILE:11\n"));
  EXPECT_THAT(text, HasSubstr("  writers               7                                PGHAUL_WRITERS\n"));
  EXPECT_THAT(text, HasSubstr("  full                  false                            default\n"));
  EXPECT_THAT(text, HasSubstr("  max-rate              -                                default\n"));
  const auto document = nlohmann::json::parse(config_json(invocation));
  EXPECT_EQ(document["copies"][0]["name"], "one");
  EXPECT_EQ(document["copies"][0]["options"]["readers"]["value"], "5");
  EXPECT_EQ(document["copies"][1]["options"]["timeout"]["origin"], "default");
  EXPECT_THAT(config_json(invocation), Not(HasSubstr("hunter2")));
}

TEST_F(SettingsTest, ShowNeedsNothingToBeComplete) {
  EXPECT_THAT(config_text(parse("", {"config", "show"})),
              HasSubstr("  source                -                                default\n"));
  EXPECT_THAT(config_text(parse(kTwoCopies, {"config", "show"}, {})), HasSubstr("STATS is not set, "));
  EXPECT_THAT(config_text(parse("", {"config", "show", "--source", "hunter2"})), Not(HasSubstr("hunter2")));
  EXPECT_THAT(refusal("", {"config"}), StartsWith("half a command; type pghaul config show"));
  EXPECT_THAT(refusal("", {"config", "set"}), StartsWith("unexpected argument set"));
}

}  // namespace
}  // namespace pghaul
