#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "cli/option_table.h"
#include "cli/options.h"

namespace pghaul {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kColumn = 28;  // where descriptions begin

constexpr std::string_view kProgram =
    R"(pghaul copies PostgreSQL tables from one server to another: exactly once,
restartable at any point, gentle to the source.

usage: pghaul COMMAND [OPTION...]

Commands
  copy      copy tables, or continue a copy
  plan      what copy would do, why, and how long it would take; writes nothing
  status    copies recorded on a target: done, to do, rate, whether resumable
  demo      two throwaway servers, a copy, a kill, a resume, a comparison

pghaul COMMAND --help tells the options of a command.
)";

constexpr std::string_view kCopy = R"(usage: pghaul copy --source URI --target URI --table NAME [OPTION...]

Copies tables. Run again, it continues where it was stopped.
)";

constexpr std::string_view kPlan = R"(usage: pghaul plan --source URI --target URI --table NAME [OPTION...]

Tells what copy would do with the same options. Writes nothing anywhere.
)";

constexpr std::string_view kStatus = R"(usage: pghaul status --target URI [OPTION...]

Tells the copies that the target's ledger knows.
)";

constexpr std::string_view kDemo = R"(usage: pghaul demo [OPTION...]

Starts two throwaway servers, fills a table with gaps, copies it, kills the
copy, resumes it, compares both sides, and cleans up.
)";

constexpr std::string_view kExamples = R"(
Examples
  pghaul copy --source 'host=prod dbname=shop' --target 'host=stats dbname=bi' \
      --table public.profiles
  PGHAUL_SOURCE=service=prod PGHAUL_TARGET=service=stats \
      pghaul copy --table profiles --table events --max-rate 20MB/s --timeout 2h
  pghaul copy --source service=prod --target service=stats --table profiles \
      --full --columns id,data --where "data ? 'email'" --json

Sizes take kB MB GB (1000) and KiB MiB GiB (1024); times take ms s min h.
)";

constexpr std::string_view kExitCodes = R"(
Exit codes
  0  done                               3  refused, nothing was written
  1  differences found                  4  stopped; the same command continues
  2  bad usage or configuration         5  failed
)";

// `text` in lines up to kWidth, those after the first indented; the first begins at `column`.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t column) {
  std::string result;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    const bool first = result.empty();
    if (!first && column + 1 + word.size() > kWidth) {
      result += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!first) {
      result += ' ';
      ++column;
    }
    result += word;
    column += word.size();
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  return result;
}

std::string option_help(const OptionSpec& spec) {
  auto left = fmt::format("  {}{}{}", spec.name, spec.is_flag() ? "" : " ", spec.value);
  left += left.size() + 2 > kColumn ? "\n" + std::string(kColumn, ' ') : std::string(kColumn - left.size(), ' ');
  std::string text(spec.help);
  if (spec.show != nullptr) text += fmt::format(" Default: {}.", spec.show(Invocation()));
  return left + wrapped(text, kColumn, kColumn) + "\n";
}

std::string all_options(Verb verb) {
  std::string text;
  std::string_view group;
  for (const auto& spec : option_table()) {
    if ((spec.taken_by & verb_bit(verb)) == 0) continue;
    if (spec.group != group) text += fmt::format("\n{}\n", spec.group);
    group = spec.group;
    text += option_help(spec);
  }
  return text;
}

std::string environment_help(Verb verb) {
  std::string names;
  for (const auto& spec : option_table()) {
    const bool counts = spec.environment && (spec.taken_by & verb_bit(verb)) != 0;
    if (counts) names += (names.empty() ? "" : ", ") + environment_name(spec);
  }
  if (names.empty()) return "";
  return "\nEnvironment, for options that are not given\n  " + wrapped(names, 2, 2) + "\n";
}

}  // namespace

std::string help_text(Verb verb) {
  switch (verb) {
    case Verb::copy:
      return fmt::format("{}{}{}{}{}", kCopy, all_options(verb), environment_help(verb), kExamples, kExitCodes);
    case Verb::plan: return fmt::format("{}{}{}{}", kPlan, all_options(verb), environment_help(verb), kExitCodes);
    case Verb::status: return fmt::format("{}{}{}{}", kStatus, all_options(verb), environment_help(verb), kExitCodes);
    case Verb::demo: return fmt::format("{}{}", kDemo, all_options(verb));
    case Verb::none: break;
  }
  return fmt::format("{}{}{}", kProgram, all_options(Verb::none), kExitCodes);
}

}  // namespace pghaul
