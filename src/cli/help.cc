#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "cli/option_table.h"
#include "cli/options.h"
#include "cli/text.h"
#include "cli/verb_table.h"

namespace pghaul {
namespace {

// Text of one width.
class Page {
 public:
  // Narrower ones are not worth the trouble, wider ones are hard to read.
  explicit Page(std::size_t width) : width_(std::clamp<std::size_t>(width, 40, 100)) {}

  void line(std::string_view text) { paragraph(text, 0); }
  void blank() { text_ += '\n'; }
  void heading(std::string_view text) { text_ += fmt::format("\n{}\n", text); }
  void paragraph(std::string_view text, std::size_t indent) { entry("", text, indent); }
  // `left`, and `text` from the column on; below it where it is too long or the page too narrow.
  void entry(std::string_view left, std::string_view text, std::size_t column);
  // To be pasted into a shell: lines end with a backslash.
  void command(std::string_view text, std::size_t indent);
  std::size_t option_column() const { return width_ < 60 ? 6 : 28; }
  const std::string& text() const { return text_; }

 private:
  const std::size_t width_;
  std::string text_;
};

void Page::entry(std::string_view left, std::string_view text, std::size_t column) {
  const auto gap = left.empty() ? 0u : 2u;
  std::string start(left);
  start += left.size() + gap > column ? "\n" + std::string(column, ' ') : std::string(column - left.size(), ' ');
  text_ += start + wrapped(text, {.width = width_, .indent = column}) + "\n";
}

void Page::command(std::string_view text, std::size_t indent) {
  const WrapStyle style{
      .width = width_ - 2, .indent = indent + 4, .column = indent, .line_end = " \\", .command = true};
  text_ += std::string(indent, ' ') + wrapped(text, style) + "\n";
}

void add_options(Page& page, Verb verb) {
  std::string_view group;
  for (const auto& spec : option_table()) {
    if ((spec.taken_by & verb_bit(verb)) == 0) continue;
    if (spec.group != group) page.heading(spec.group);
    group = spec.group;
    const auto left = fmt::format("  {}{}{}", spec.name, spec.is_flag() ? "" : " ", spec.value);
    page.entry(left, option_text(spec), page.option_column());
  }
}

void add_environment(Page& page, Verb verb) {
  std::string names;
  for (const auto& spec : option_table()) {
    const bool counts = spec.environment && (spec.taken_by & verb_bit(verb)) != 0;
    if (counts) names += (names.empty() ? "" : ", ") + environment_name(spec);
  }
  if (names.empty()) return;
  page.heading("Environment, for options that are not given");
  page.paragraph(names, 2);
}

void add_examples(Page& page, Verb verb) {
  page.heading("Examples");
  const auto call = verb == Verb::none ? std::string("pghaul ") : fmt::format("pghaul {} ", verb_name(verb));
  for (const auto& example : example_table()) {
    if (example.command.find(call) == std::string_view::npos) continue;
    page.paragraph(example.about, 2);
    page.command(example.command, 4);
  }
}

void add_exit_codes(Page& page) {
  page.heading("Exit codes");
  for (const auto& each : exit_code_table()) page.entry(fmt::format("  {}", each.code), each.meaning, 5);
}

void add_end(Page& page) {
  page.blank();
  page.line("The manual: man pghaul");
}

std::string program_help(std::size_t width) {
  Page page(width);
  page.line(program_text);
  page.blank();
  page.line("usage: pghaul COMMAND [OPTION...]");
  page.heading("Commands");
  for (const auto& verb : verb_table()) page.entry(fmt::format("  {}", verb.name), verb.summary, 12);
  page.blank();
  page.line("pghaul COMMAND --help tells the options of a command.");
  add_options(page, Verb::none);
  add_examples(page, Verb::none);
  add_exit_codes(page);
  add_end(page);
  return page.text();
}

}  // namespace

std::string help_text(Verb verb, std::size_t width) {
  if (verb == Verb::none) return program_help(width);
  const auto& spec = *std::ranges::find(verb_table(), verb, &VerbSpec::verb);
  Page page(width);
  page.line(fmt::format("usage: pghaul {} {}", spec.name, spec.arguments));
  page.blank();
  page.line(spec.text);
  add_options(page, verb);
  add_environment(page, verb);
  page.blank();
  page.line(unit_text);
  add_examples(page, verb);
  add_exit_codes(page);
  add_end(page);
  return page.text();
}

}  // namespace pghaul
