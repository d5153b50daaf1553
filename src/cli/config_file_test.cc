#include "cli/config_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/option_table.h"
#include "pghaul/error.h"
#include "support/temporary_folder.h"

namespace pghaul {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

ConfigFile parse(const std::string& text) {
  return parse_config(text, "n.toml");
}

// Message and advice of the usage error.
std::string refusal(const std::string& text) {
  try {
    parse(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what() + (error.advice().empty() ? "" : "; " + error.advice());
  }
  return "taken";
}

TEST(ConfigFile, SectionsWithTheirValuesAndPlaces) {
  const auto file = parse(
      "[defaults]\nreaders = 4\nfull = true\nbatch-bytes = \"4MB\"\n\n"
      "[[copy]]\nname = 'a'\ntables = ['x', 'y']\nfull = false\n"
      "[[copy]]\nname = 'b'\nallow = 'triggers'\nsource = {env = 'S'}\nbatch-bytes = 80000\n");
  EXPECT_THAT(file.defaults.values.at("--readers").texts, ElementsAre("4"));
  EXPECT_EQ(file.defaults.values.at("--readers").place, "n.toml:2");
  EXPECT_THAT(file.defaults.values.at("--full").texts, ElementsAre(""));
  EXPECT_THAT(file.defaults.values.at("--batch-bytes").texts, ElementsAre("4MB"));
  ASSERT_EQ(file.copies.size(), 2u);
  EXPECT_EQ(file.copies[0].name, "a");
  EXPECT_EQ(file.copies[0].place, "n.toml:6");
  EXPECT_THAT(file.copies[0].values.at("--table").texts, ElementsAre("x", "y"));
  EXPECT_THAT(file.copies[0].values.at("--full").texts, ElementsAre());
  EXPECT_THAT(file.copies[1].values.at("--allow").texts, ElementsAre("triggers"));
  EXPECT_EQ(file.copies[1].values.at("--source").variable, "S");
  EXPECT_EQ(file.copies[1].values.at("--source").place, "n.toml:13");
  EXPECT_THAT(file.copies[1].values.at("--batch-bytes").texts, ElementsAre("80000"));
  EXPECT_TRUE(parse("").copies.empty());
}

std::string some_value(const OptionSpec& spec) {
  if (spec.is_flag()) return "true";
  if (spec.repeatable) return "['a']";
  if (spec.value == "PERCENT") return "'1%'";
  return spec.value == "N" ? "3" : "'dbname=x'";
}

// Whatever is added to the table of options is a key of the file.
TEST(ConfigFile, TakesEveryOptionOfTheCommandLine) {
  int keys = 0;
  for (const auto& spec : option_table()) {
    const bool sets =
        (spec.taken_by & (verbs::copy | verbs::status | verbs::verify)) != 0 && spec.name != "--help" && spec.name != "--config";
    EXPECT_EQ(!config_key(spec).empty(), sets) << spec.name;
    if (!sets) continue;
    ++keys;
    const auto file = parse(fmt::format("[defaults]\n{} = {}\n", config_key(spec), some_value(spec)));
    EXPECT_TRUE(file.defaults.values.contains(spec.name)) << spec.name;
    const auto of_copy = refusal(fmt::format("[[copy]]\nname = 'a'\n{} = {}\n", config_key(spec), some_value(spec)));
    if (is_command_wide(spec)) {
      EXPECT_THAT(of_copy, HasSubstr("is of the whole command; move it to [defaults]")) << spec.name;
    } else {
      EXPECT_EQ(of_copy, "taken") << spec.name;
    }
  }
  EXPECT_GT(keys, 25);
}

TEST(ConfigFile, EachMistakeIsToldWithItsLine) {
  const std::vector<std::pair<std::string, std::string>> cases{
      // no TOML
      {"[defaults\n", "n.toml:1: "},
      {"[defaults]\nreaders = \n", "n.toml:2: "},
      {"[defaults]\nreaders = 1\nreaders = 2\n", "n.toml:3: "},
      {"[defaults]\nreaders = 1\n[defaults]\nwriters = 1\n", "n.toml:3: "},
      {"\xff\xfe = 1\n", "n.toml:1: "},
      // unknown keys
      {"readers = 1\n", "n.toml:1: unknown key 'readers'; a file has [defaults] and any number of [[copy]]"},
      {"[default]\n", "n.toml:1: unknown key 'default'"},
      {"[defaults]\n\nreader = 1\n", "n.toml:3: unknown key 'reader'; write readers"},
      {"[defaults]\nbatch_bytes = '1MB'\n", "n.toml:2: unknown key 'batch_bytes'; write batch-bytes"},
      {"[defaults]\ntable = 'a'\n", "n.toml:2: unknown key 'table'; write tables"},
      {"[defaults]\n'--full' = true\n", "n.toml:2: unknown key '--full'; write full"},
      {"[defaults]\npassword = 'x'\n", "n.toml:2: unknown key 'password'; keys are the options"},
      {"[defaults]\nrows = 5\n", "n.toml:2: unknown key 'rows'"},
      {"[defaults]\nconfig = 'x'\n", "n.toml:2: unknown key 'config'"},
      {"[defaults]\nname = 'x'\n", "n.toml:2: unknown key 'name'"},
      {"[defaults]\n'' = 'x'\n", "n.toml:2: unknown key ''"},
      // other types
      {"[defaults]\nreaders = '4'\n", "n.toml:2: readers: expected a whole number, found a text"},
      {"[defaults]\nreaders = 4.0\n", "n.toml:2: readers: expected a whole number, found a number with a point"},
      {"[defaults]\nfull = 'yes'\n", "n.toml:2: full: expected true or false, found a text"},
      {"[defaults]\nfull = 1\n", "n.toml:2: full: expected true or false, found a whole number"},
      {"[defaults]\ntimeout = 5\n", "n.toml:2: timeout: expected a text, found a whole number"},
      {"[defaults]\ntimeout = 10:00:00\n", "n.toml:2: timeout: expected a text, found a date or time"},
      {"[defaults]\nwhere = true\n", "n.toml:2: where: expected a text, found true or false"},
      {"[defaults]\ntables = 5\n", "n.toml:2: tables: expected a list of texts, found a whole number"},
      {"[defaults]\ntables = ['a',\n 5]\n", "n.toml:3: tables: expected a list of texts, found a whole number"},
      {"[defaults]\ntables = []\n", "n.toml:2: tables: the list is empty"},
      {"[defaults]\nwhere = \"a\\u0000b\"\n", "n.toml:2: where: a text cannot have a null byte"},
      {"[defaults]\nwhere = {env = 'X'}\n", "n.toml:2: where: expected a text, found a table"},
      {"defaults = 1\n", "n.toml:1: defaults: expected a table"},
      {"[[defaults]]\n", "n.toml:1: defaults: expected a table, found a list"},
      {"[copy]\nname = 'a'\n", "n.toml:1: copy: expected a list of tables, found a table; write [[copy]]"},
      {"copy = [1]\n", "n.toml:1: copy: expected a table, found a whole number"},
      // names
      {"[[copy]]\ntables = ['a']\n", "n.toml:1: a copy has no name"},
      {"[[copy]]\nname = 5\n", "n.toml:2: name: expected a text"},
      {"[[copy]]\nname = ''\n", "n.toml:2: name: expected letters"},
      {"[[copy]]\nname = '-a'\n", "n.toml:2: name: expected letters"},
      {"[[copy]]\nname = 'a b'\n", "n.toml:2: name: expected letters"},
      {"[[copy]]\nname = 'a'\n\n[[copy]]\nname = 'a'\n",
       "n.toml:4: there are two copies with the name a; the other is at n.toml:1"},
      // references
      {"[defaults]\nsource = {}\n", "n.toml:2: source: expected a connection string or {env = \"NAME\"}"},
      {"[defaults]\nsource = {env = 'A', x = 1}\n", "n.toml:2: source: expected a connection string"},
      {"[defaults]\nsource = {file = 'A'}\n", "n.toml:2: source: expected a connection string"},
      {"[defaults]\nsource = {env = ''}\n", "n.toml:2: source: env: expected the name of a variable"},
      {"[defaults]\nsource = {env = 5}\n", "n.toml:2: env: expected the name of a variable, found a whole number"},
      {"[defaults]\nsource = 5\n",
       "n.toml:2: source: expected a connection string or {env = \"NAME\"}, found a whole number"},
      {"[defaults]\nsource = 'shop'\n", "n.toml:2: source: the connection string is not valid"},
  };
  for (const auto& [text, message] : cases) EXPECT_THAT(refusal(text), StartsWith(message)) << text;
}

TEST(ConfigFile, PasswordsAreRefusedAndNeverRepeated) {
  for (const std::string conninfo :
       {"host=a password=hunter2", "postgresql://u:hunter2@a/b", "postgres://a/b?password=hunter2",
        "host=a sslpassword=hunter2", "postgresql://u:p@hunter2@a/b", "host=a pasword=hunter2", "PASSWORD = hunter2"}) {
    const auto text = refusal("[defaults]\n\ntarget = \"" + conninfo + "\"\n");
    EXPECT_THAT(text, StartsWith("n.toml:3: target: ")) << conninfo;
    EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  }
  EXPECT_THAT(refusal("[defaults]\nsource = 'host=a password=x'\n"),
              HasSubstr("a password has no place in this file; keep it in ~/.pgpass"));
  for (const std::string conninfo :
       {"service=prod", "host=a passfile=/etc/pghaul/pass", "postgresql://u@a:5433/b?sslmode=require"}) {
    EXPECT_EQ(refusal("[defaults]\nsource = \"" + conninfo + "\"\n"), "taken") << conninfo;
  }
}

TEST(ConfigFile, TheExampleOfTheDocumentsIsTaken) {
  std::ifstream file(PGHAUL_SOURCE_DIR "/docs/configuration.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto begin = text.find("```toml\n"), end = text.find("```\n", begin + 8);
  ASSERT_NE(end, std::string::npos);
  const auto example = parse(text.substr(begin + 8, end - begin - 8));
  ASSERT_EQ(example.copies.size(), 2u);
  EXPECT_EQ(example.copies[1].name, "orders");
  EXPECT_EQ(example.copies[1].values.at("--table").place, "n.toml:15") << "as the document shows it";
}

TEST(ConfigFile, WhatCannotBeRead) {
  const auto refused = [](const std::string& path) {
    try {
      read_config(path);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return error.headline();
    }
    return std::string("read");
  };
  const test::TemporaryFolder temporary;
  const auto folder = temporary.path();
  EXPECT_THAT(refused(folder / "none.toml"), HasSubstr("none.toml: cannot read the configuration file: there is none"));
  EXPECT_THAT(refused(folder), HasSubstr("it is no regular file"));
  EXPECT_THAT(refused("/dev/zero"), HasSubstr("it is no regular file"));
  std::ofstream(folder / "large.toml") << std::string(1'100'000, '\n');
  EXPECT_THAT(refused(folder / "large.toml"), HasSubstr("it is too large"));
  std::ofstream(folder / "fine.toml") << "[defaults]\nreaders = 1\n";
  EXPECT_EQ(refused(folder / "fine.toml"), "read");
}

}  // namespace
}  // namespace pghaul
