#include <algorithm>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/option_table.h"
#include "cli/options.h"
#include "cli/settings.h"
#include "cli/verb_table.h"
#include "pghaul/error.h"

namespace pghaul {
namespace {

// Only to find out which options were given with which values; their meaning is the table's.
class Parser {
 public:
  Parser();
  Invocation parse(const std::vector<std::string>& arguments, const Environment& environment);

 private:
  void add_options(CLI::App& app, Verb verb);
  void run_cli11(const std::vector<std::string>& arguments);
  Verb chosen_verb() const;
  std::vector<std::string> leftovers() const;
  Settings typed(Verb verb) const;

  CLI::App program_;
  std::map<Verb, CLI::App*> apps_;
};

Parser::Parser() {
  program_.allow_extras();
  program_.set_help_flag();
  program_.require_subcommand(0, 1);
  apps_[Verb::none] = &program_;
  add_options(program_, Verb::none);
  for (const auto& spec : verb_table()) {
    CLI::App* const app = program_.add_subcommand(std::string(spec.name));
    app->set_help_flag();
    app->allow_extras();
    apps_[spec.verb] = app;
    add_options(*app, spec.verb);
  }
}

void Parser::add_options(CLI::App& app, Verb verb) {
  for (const auto& spec : option_table()) {
    if ((spec.taken_by & verb_bit(verb)) == 0) continue;
    std::string names(spec.name);
    if (spec.name == "--help") names += ",-h";
    CLI::Option* const option = spec.is_flag() ? app.add_flag(names) : app.add_option(names);
    if (spec.is_flag()) option->disable_flag_override();
    if (spec.is_flag() || spec.repeatable) option->take_all();
    if (spec.repeatable) option->expected(1)->allow_extra_args(false);
  }
}

void refuse_value_of_flag(const std::string& argument) {
  const auto equals = argument.find('=');
  if (equals == std::string::npos) return;
  for (const auto& spec : option_table()) {
    if (!spec.is_flag() || spec.name != std::string_view(argument).substr(0, equals)) continue;
    throw Error(ErrorKind::usage, fmt::format("{} takes no value", spec.name));
  }
}

// CLI11 takes `--where= --full` for `--where --full`; here it is an empty value.
std::vector<std::string> reversed_for_cli11(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  for (const auto& argument : arguments) {
    refuse_value_of_flag(argument);
    const bool empty_value = argument.starts_with("--") && argument.find('=') == argument.size() - 1;
    words.push_back(empty_value ? argument.substr(0, argument.size() - 1) : argument);
    if (empty_value) words.emplace_back();
  }
  std::ranges::reverse(words);
  return words;
}

void Parser::run_cli11(const std::vector<std::string>& arguments) {
  try {
    program_.parse(reversed_for_cli11(arguments));
  } catch (const CLI::ParseError& error) {
    throw Error(ErrorKind::usage, error.what()).advise("see pghaul --help");
  }
}

Verb Parser::chosen_verb() const {
  for (const auto& spec : verb_table()) {
    if (apps_.at(spec.verb)->parsed()) return spec.verb;
  }
  return Verb::none;
}

// What can be repeated: words of letters and dashes, not values.
std::string safe_word(const std::string& text) {
  const auto word = text.substr(0, text.find('='));
  const bool plain = std::ranges::all_of(word, [](char c) { return c == '-' || (c >= 'a' && c <= 'z'); });
  return plain && word.size() <= 40 ? word : std::string();
}

std::vector<std::string> Parser::leftovers() const {
  auto left = program_.remaining(true);
  // An unknown option is the cause of the value that was left behind it.
  std::ranges::stable_partition(left, [](const auto& word) { return word.starts_with('-'); });
  return left;
}

Error unexpected(Verb verb, const std::string& argument) {
  const auto word = safe_word(argument);
  const auto command = verb == Verb::none ? "pghaul" : fmt::format("pghaul {}", verb_name(verb));
  const bool option = word.starts_with('-');
  const auto* const what = option ? "unknown option" : verb == Verb::none ? "unknown command" : "unexpected argument";
  return Error(ErrorKind::usage, word.empty() ? std::string(what) : fmt::format("{} {}", what, word))
      .advise(fmt::format("see {} --help", command));
}

Settings Parser::typed(Verb verb) const {
  Settings settings;
  for (const auto& spec : option_table()) {
    if ((spec.taken_by & verb_bit(verb)) == 0) continue;
    const std::string name(spec.name);
    const auto values = apps_.at(verb)->get_option(name)->results();
    if (!values.empty()) settings.emplace(spec.name, Setting{values, name, false});
  }
  return settings;
}

// Names of copies, which only a file has.
std::vector<std::string> names_among(std::vector<std::string> words, Verb verb, bool with_file) {
  const auto found = std::ranges::find(verb_table(), verb, &VerbSpec::verb);
  if (found != verb_table().end() && !found->action.empty()) {
    const auto command = fmt::format("pghaul {} {}", found->name, found->action);
    if (words.empty()) throw Error(ErrorKind::usage, "half a command").advise(fmt::format("type {}", command));
    if (words.front() != found->action) throw unexpected(verb, words.front());
    words.erase(words.begin());
  }
  const bool names = with_file && !words.empty() && !words.front().starts_with('-');
  if (!words.empty() && !names) throw unexpected(verb, words.front());
  return words;
}

Invocation Parser::parse(const std::vector<std::string>& arguments, const Environment& environment) {
  run_cli11(arguments);
  Invocation invocation;
  const Verb verb = invocation.verb = chosen_verb();
  invocation.help = program_.count("--help") + apps_.at(verb)->count("--help") > 0;
  if (invocation.help) return invocation;
  const auto settings = typed(verb);
  const auto names = names_among(leftovers(), verb, !config_path(verb, settings, environment).empty());
  invocation = make_invocation(verb, settings, names, environment);
  const bool nothing = verb == Verb::none && !invocation.version && !invocation.list_failpoints;
  if (nothing) throw Error(ErrorKind::usage, "no command").advise("see pghaul --help");
  return invocation;
}

}  // namespace

Invocation parse_options(const std::vector<std::string>& arguments, const Environment& environment) {
  return Parser().parse(arguments, environment);
}

}  // namespace pghaul
