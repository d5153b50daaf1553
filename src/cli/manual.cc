#include "cli/manual.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "cli/option_table.h"
#include "cli/text.h"
#include "cli/verb_table.h"

namespace pghaul {
namespace {

// Backslashes and dashes are to be read, and a line that begins with a dot or an apostrophe is no request.
std::string troff(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') result += "\\e";
    else if (c == '-') result += "\\-";
    else if (c == '\'') result += "\\(aq";
    else if (c == '~') result += "\\(ti";
    else if (c == '^') result += "\\(ha";
    else result += c;
  }
  return result.starts_with('.') ? "\\&" + result : result;
}

class ManPage {
 public:
  void section(std::string_view title) { text_ += fmt::format(".SH {}\n", title); }
  void subsection(std::string_view title) { text_ += fmt::format(".SS {}\n", title); }
  void paragraph() { text_ += ".PP\n"; }
  void line(std::string_view text) { text_ += troff(text) + "\n"; }
  void macro(std::string_view text) { text_ += fmt::format("{}\n", text); }
  // `value` is the reader's to replace.
  void entry(std::string_view name, std::string_view value, std::string_view text);
  void literal(std::string_view text);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void ManPage::entry(std::string_view name, std::string_view value, std::string_view text) {
  text_ += fmt::format(".TP\n\\fB{}\\fR", troff(name));
  if (!value.empty()) text_ += fmt::format(" \\fI{}\\fR", troff(value));
  text_ += '\n';
  line(text);
}

void ManPage::literal(std::string_view text) {
  text_ += fmt::format(".RS 4\n.nf\n{}\n.fi\n.RE\n", troff(text));
}

void add_synopsis(ManPage& page) {
  page.section("SYNOPSIS");
  for (const auto& verb : verb_table()) {
    page.macro(fmt::format("\\fBpghaul {}\\fR {}", troff(verb.name), troff(verb.arguments)));
    page.macro(".br");
  }
  page.macro("\\fBpghaul\\fR \\fB\\-\\-help\\fR | \\fB\\-\\-version\\fR");
}

void add_description(ManPage& page) {
  page.section("DESCRIPTION");
  page.line(program_text);
  page.line(
      "Kill it, cut the line, restart a server, type the same command again: it goes on where it stopped, and every "
      "row is there once. The record of what is done, the ledger, lies in the target database and changes in the "
      "same transaction as the rows.");
  page.section("COMMANDS");
  for (const auto& verb : verb_table()) page.entry(verb.name, "", verb.text);
}

// "copy, plan"
std::string verbs_of(const OptionSpec& spec) {
  std::string names;
  for (const auto& verb : verb_table()) {
    if ((spec.taken_by & verb_bit(verb.verb)) == 0) continue;
    names += (names.empty() ? "" : ", ") + std::string(verb.name);
  }
  return names;
}

std::string reference_text(const OptionSpec& spec) {
  auto text = option_text(spec);
  if (spec.environment) text += fmt::format(" Environment: {}.", environment_name(spec));
  const auto names = verbs_of(spec);
  return names.empty() ? text : fmt::format("{} Commands: {}.", text, names);
}

void add_options(ManPage& page) {
  page.section("OPTIONS");
  page.line(unit_text);
  std::string_view group;
  for (const auto& spec : option_table()) {
    if (spec.group != group) page.subsection(spec.group);
    group = spec.group;
    page.entry(spec.name, spec.value, reference_text(spec));
  }
}

void add_environment(ManPage& page) {
  page.section("ENVIRONMENT");
  page.line("Counts where the command line says nothing. A variable that is empty counts as not set.");
  for (const auto& spec : option_table()) {
    if (spec.environment) page.entry(environment_name(spec), "", fmt::format("Stands in for {}.", spec.name));
  }
  for (const auto& variable : variable_table()) page.entry(variable.name, "", variable.help);
}

void add_exit_status(ManPage& page) {
  page.section("EXIT STATUS");
  for (const auto& each : exit_code_table()) page.entry(std::to_string(each.code), "", each.meaning);
}

constexpr std::string_view kConfiguration = R"([defaults]
source = "service=prod"
target = {env = "STATS_URI"}
readers = 4

[[copy]]
name = "profiles"
tables = ["public.profiles", "public.events"]

[[copy]]
name = "orders"
tables = ["public.orders"]
where = "region = 'eu'"
timeout = "2h")";

void add_configuration(ManPage& page) {
  page.section("CONFIGURATION FILE");
  page.line(
      "The file of --config is TOML. Its keys are the options without their dashes; --table is tables. [defaults] "
      "counts for every [[copy]], and what is said of the whole command (progress, json, verbose) stands there. The "
      "command line counts before the environment, this before [[copy]], and that before [defaults]. A copy's name "
      "behind the command chooses it; without one all are done in their order, up to the first that fails.");
  page.paragraph();
  page.line(
      "Numbers are numbers, flags true or false, lists lists of texts, everything else texts. Passwords have no "
      "place in it: source and target may name a variable that has the connection string.");
  page.literal(kConfiguration);
}

void add_files(ManPage& page) {
  page.section("FILES");
  page.entry("~/.pgpass", "", "Passwords, for libpq. The right place for them.");
  page.entry("~/.pg_service.conf", "", "Connection strings under a name, for libpq: --source service=prod.");
  page.entry("schema pghaul of the target database", "", "The ledger, with views for psql.");
}

void add_examples(ManPage& page) {
  page.section("EXAMPLES");
  for (const auto& example : example_table()) {
    if (&example != &example_table().front()) page.paragraph();
    page.line(example.about);
    page.literal(wrapped(example.command, {.width = 68, .indent = 4, .column = 0, .line_end = " \\", .command = true}));
  }
}

}  // namespace

std::string manual_page() {
  ManPage page;
  page.macro(".\\\" Made by pghaul_manual from src/cli/option_table.cc and verb_table.cc.");
  page.macro(".TH PGHAUL 1 \"\" \"pghaul " PGHAUL_VERSION "\" \"User Commands\"");
  page.macro(".nh\n.ad l");  // words are to be searched for and pasted
  page.section("NAME");
  page.macro(fmt::format("pghaul \\- {}", troff(program_summary)));
  add_synopsis(page);
  add_description(page);
  add_options(page);
  add_configuration(page);
  add_exit_status(page);
  add_environment(page);
  add_files(page);
  add_examples(page);
  page.section("SEE ALSO");
  page.macro(".BR psql (1),\n.BR pg_dump (1)");
  page.paragraph();
  page.line("Guarantees, security, the ledger and more: /usr/share/doc/pghaul, or docs/ of the source.");
  return page.text();
}

}  // namespace pghaul
