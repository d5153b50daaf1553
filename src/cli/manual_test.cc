#include "cli/manual.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/option_table.h"
#include "cli/text.h"
#include "cli/verb_table.h"
#include "support/program.h"

namespace pghaul::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Words = std::vector<std::string>;

ProgramResult run(const Words& argv, const std::string& input) {
  const MemoryFile file(input);
  ProcessOptions options;
  options.stdin_file = file.path();
  options.argv = argv;
  options.environment = {{"LC_ALL", "C.UTF-8"}, {"MANWIDTH", "80"}, {"MANPAGER", "cat"}};
  return run_program(options);
}

std::string rendered() {
  const auto result = run({"man", "--warnings", "-E", "ascii", "-l", "-"}, manual_page());
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.err, "") << "troff has something to say";
  return result.out;
}

// What bash offers for the last of these words.
Words completed(const std::string& words) {
  const auto ask = "source /dev/stdin; COMP_WORDS=(" + words + "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _pghaul; " +
                   "printf '%s\\n' \"${COMPREPLY[@]}\"";
  const auto result = run({"bash", "-c", ask}, bash_completion());
  EXPECT_EQ(result.err, "");
  std::istringstream lines(result.out);
  Words found;
  for (std::string line; std::getline(lines, line);) found.push_back(line);
  return found;
}

TEST(Manual, TroffTakesItWithoutAWarningAndItHasAllSections) {
  const auto text = rendered();
  for (const auto* section : {"\nNAME", "\nSYNOPSIS", "\nDESCRIPTION", "\nCOMMANDS", "\nOPTIONS", "\nEXIT STATUS",
                              "\nENVIRONMENT", "\nFILES", "\nEXAMPLES", "\nSEE ALSO"}) {
    EXPECT_THAT(text, HasSubstr(section));
  }
  EXPECT_THAT(text, HasSubstr("--where \"data ? 'email'\" --json")) << "to be pasted into a shell";
}

TEST(Manual, TellsEveryOptionVariableVerbAndCode) {
  const auto text = rendered();
  for (const auto& spec : option_table()) {
    EXPECT_THAT(text, HasSubstr(fmt::format("\n       {}{}{}", spec.name, spec.is_flag() ? "" : " ", spec.value)));
    if (!spec.environment) continue;
    EXPECT_THAT(text, HasSubstr(environment_name(spec)));
  }
  for (const auto& verb : verb_table()) EXPECT_THAT(text, HasSubstr(fmt::format("pghaul {} ", verb.name)));
  EXPECT_THAT(text, HasSubstr("4      stopped"));
}

TEST(Completion, OfBash) {
  EXPECT_THAT(completed("pghaul pl"), ElementsAre("plan"));
  EXPECT_THAT(completed("pghaul --ver"), ElementsAre("--version"));
  EXPECT_THAT(completed("pghaul copy --max-r"), ElementsAre("--max-retries", "--max-rate"));
  EXPECT_THAT(completed("pghaul copy --table t --chunk-by ''"), ElementsAre("auto", "key", "ctid", "whole"));
  EXPECT_THAT(completed("pghaul config sh"), ElementsAre("show"));
  EXPECT_THAT(completed("pghaul copy --config /etc/passw"), testing::Contains("/etc/passwd"));
  EXPECT_THAT(completed("pghaul copy --readers ''"), ElementsAre(""));
  EXPECT_THAT(completed("pghaul demo --"), ElementsAre("--rows", "--keep", "--verbose", "--help"));
  EXPECT_THAT(completed("pghaul status --read"), ElementsAre(""));
}

TEST(Completion, ZshReadsItsOwn) {
  const auto result = run({"zsh", "-n"}, zsh_completion());
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(zsh_completion(), HasSubstr("'--chunk-by[What the table is cut by; ctid\\: pages; whole\\: not at all.]"
                                          ":word:(auto key ctid whole)'"));
}

// The words in help and completion against those of the parser.
TEST(Options, WordsOfTheHelpAreThoseThatAreTaken) {
  int lists = 0;
  for (const auto& spec : option_table()) {
    const auto words = option_words(spec);
    if (words.empty()) continue;
    ++lists;
    Invocation invocation;
    for (const auto word : words) EXPECT_NO_THROW(spec.set(invocation, std::string(word))) << spec.name;
    try {
      spec.set(invocation, "?");
      ADD_FAILURE() << spec.name;
    } catch (const Error& error) {
      EXPECT_EQ(error.what(), fmt::format("'?' is not one of {}", fmt::join(words, ", "))) << spec.name;
    }
  }
  EXPECT_GE(lists, 5);
}

TEST(Wrapped, BreaksAtBlanksAndKeepsQuotes) {
  EXPECT_EQ(wrapped("one two three", {.width = 7, .indent = 1, .column = 0}), "one two\n three");
  EXPECT_EQ(wrapped("a 'b c' d", {.width = 5, .indent = 2, .column = 0, .line_end = " \\", .command = true}),
            "a \\\n  'b c' \\\n  d");
  EXPECT_EQ(wrapped("a --bc d --ef", {.width = 6, .indent = 0, .command = true}), "a\n--bc d\n--ef");
  EXPECT_EQ(wrapped("muchtoolong x", {.width = 4}), "muchtoolong\nx");
}

}  // namespace
}  // namespace pghaul::test
