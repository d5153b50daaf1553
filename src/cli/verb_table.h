// What stands in help, manual and completion beside the options: verbs, examples, exit codes, variables.
#pragma once

#include <span>
#include <string_view>

#include "cli/options.h"

namespace pghaul {

struct VerbSpec {
  Verb verb;
  std::string_view name;
  std::string_view arguments;  // as its synopsis shows them
  std::string_view summary;    // for a list of verbs
  std::string_view text;       // for its own help
  std::string_view action = {};  // word that must follow
};
// Without Verb::none.
std::span<const VerbSpec> verb_table();

struct Example {
  std::string_view about;
  std::string_view command;
};
std::span<const Example> example_table();

struct ExitCode {
  int code;
  std::string_view meaning;
};
std::span<const ExitCode> exit_code_table();

// Variables that stand in for no option.
struct VariableSpec {
  std::string_view name;
  std::string_view help;
};
std::span<const VariableSpec> variable_table();

inline constexpr std::string_view program_summary = "copies PostgreSQL tables from one server to another";
inline constexpr std::string_view program_text =
    "pghaul copies PostgreSQL tables from one server to another: exactly once, restartable at any point, gentle to "
    "the source.";
inline constexpr std::string_view unit_text =
    "Sizes take B kB MB GB (1000) and KiB MiB GiB (1024); times take ms s min h.";

}  // namespace pghaul
