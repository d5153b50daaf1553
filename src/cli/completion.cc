#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>
#include <vector>

#include "cli/manual.h"
#include "cli/option_table.h"
#include "cli/verb_table.h"

namespace pghaul {
namespace {

// Options of a verb; of all, without one.
std::vector<const OptionSpec*> options_of(Verb verb) {
  std::vector<const OptionSpec*> found;
  for (const auto& spec : option_table()) {
    if ((spec.taken_by & verb_bit(verb)) != 0) found.push_back(&spec);
  }
  return found;
}

std::string names_of(Verb verb) {
  std::vector<std::string_view> names;
  for (const auto* const spec : options_of(verb)) names.push_back(spec->name);
  return fmt::format("{}", fmt::join(names, " "));
}

std::vector<std::string_view> verb_names() {
  std::vector<std::string_view> names;
  for (const auto& verb : verb_table()) names.push_back(verb.name);
  return names;
}

// What may follow an option that takes a value.
std::string bash_values() {
  std::string cases;
  for (const auto& spec : option_table()) {
    if (spec.is_flag()) continue;
    const auto words = option_words(spec);
    const auto action = !words.empty()         ? fmt::format("words='{}'", fmt::join(words, " "))
                        : spec.value == "FILE" ? std::string("files=yes")
                                               : std::string("return");
    cases += fmt::format("    {}) {} ;;\n", spec.name, action);
  }
  return cases;
}

std::string bash_verbs() {
  std::string cases;
  for (const auto& verb : verb_table()) {
    const auto action = verb.action.empty() ? "" : fmt::format("{} ", verb.action);
    cases += fmt::format("      {}) words='{}{}' ;;\n", verb.name, action, names_of(verb.verb));
  }
  return cases;
}

constexpr std::string_view kBash = R"(# Completion of pghaul for bash; made by pghaul_manual from the table of options.
_pghaul() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} verb='' words='' files='' each
  for each in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case $each in {0}) verb=$each; break ;; esac
  done
  COMPREPLY=()
  case $before in
{1}    *)
      case $verb in
{2}      *) words='{3} {4}' ;;
      esac ;;
  esac
  if [[ -n $files ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  fi
}}
complete -o filenames -F _pghaul pghaul
)";

// Within single quotes, and within the brackets of _arguments.
std::string zsh_quoted(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\'') result += "'\\'";
    if (c == '[' || c == ']' || c == ':') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh_option(const OptionSpec& spec) {
  const auto help = spec.help.substr(0, spec.help.find(". "));
  std::string value;
  if (!spec.is_flag()) {
    const auto words = option_words(spec);
    const auto action = !words.empty()         ? fmt::format("({})", fmt::join(words, " "))
                        : spec.value == "FILE" ? std::string("_files")
                                               : std::string(" ");
    value = fmt::format(":{}:{}", words.empty() ? spec.value : "word", action);
  }
  return fmt::format("'{}{}[{}]{}'", spec.repeatable ? "*" : "", spec.name, zsh_quoted(help), value);
}

std::string zsh_arguments(Verb verb) {
  std::string text = "_arguments";
  for (const auto* const spec : options_of(verb)) text += " \\\n        " + zsh_option(*spec);
  return text;
}

std::string zsh_verbs() {
  std::string cases;
  for (const auto& verb : verb_table()) {
    const auto action = verb.action.empty() ? "" : fmt::format(" \\\n        '1:action:({})'", verb.action);
    cases += fmt::format("    {})\n      {}{} ;;\n", verb.name, zsh_arguments(verb.verb), action);
  }
  return cases;
}

std::string zsh_commands() {
  std::string list;
  for (const auto& verb : verb_table()) {
    list += fmt::format("    '{}:{}'\n", verb.name, zsh_quoted(verb.summary));
  }
  return list;
}

constexpr std::string_view kZsh = R"(#compdef pghaul
# Completion of pghaul for zsh; made by pghaul_manual from the table of options.
_pghaul() {{
  local -a commands
  commands=(
{0}  )
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe command commands
    return
  fi
  case $words[2] in
    {1}) shift words; (( CURRENT-- )) ;;
  esac
  case $words[1] in
{2}    *)
      {3} ;;
  esac
}}
_pghaul "$@"
)";

}  // namespace

std::string bash_completion() {
  const auto verbs = verb_names();
  return fmt::format(fmt::runtime(kBash), fmt::join(verbs, "|"), bash_values(), bash_verbs(), fmt::join(verbs, " "),
                     names_of(Verb::none));
}

std::string zsh_completion() {
  return fmt::format(fmt::runtime(kZsh), zsh_commands(), fmt::join(verb_names(), "|"), zsh_verbs(),
                     zsh_arguments(Verb::none));
}

}  // namespace pghaul
