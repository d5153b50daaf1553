#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "cli/option_table.h"
#include "cli/settings.h"
#include "cli/text.h"
#include "pg/conninfo_words.h"

namespace pghaul {
namespace {

using Json = nlohmann::ordered_json;

// A connection string that is not understood may be a password that stands in the wrong place.
std::string shown_server(const std::string& conninfo) {
  const auto words = pg::conninfo_words(conninfo);
  if (!words) return "(not a valid connection string)";
  std::vector<std::string> shown;
  for (const auto& word : *words) {
    shown.push_back(fmt::format("{}={}", word.keyword, word.secret ? "(not shown)" : word.value));
  }
  return fmt::format("{}", fmt::join(shown, " "));
}

std::string shown(const OptionSpec& spec, const Setting& setting) {
  if (spec.is_flag()) return setting.texts.empty() ? "false" : "true";
  if (spec.value == "URI" && !setting.texts.empty()) return shown_server(setting.texts.front());
  return fmt::format("{}", fmt::join(setting.texts, ", "));
}

struct Line {
  std::string_view key;
  std::string value;   // empty: none
  std::string origin;  // empty: the default
};

Line line_of(const OptionSpec& spec, const Settings& settings) {
  const auto found = settings.find(spec.name);
  if (found != settings.end()) return {config_key(spec), shown(spec, found->second), found->second.origin};
  if (spec.is_flag()) return {config_key(spec), "false", ""};
  return {config_key(spec), spec.show == nullptr ? "" : spec.show(Invocation()), ""};
}

std::vector<Line> lines_of(const Settings& settings) {
  std::vector<Line> lines;
  for (const auto& spec : option_table()) {
    const bool counts = (spec.taken_by & verbs::copy) != 0 && !config_key(spec).empty();
    if (counts) lines.push_back(line_of(spec, settings));
  }
  return lines;
}

}  // namespace

std::string config_text(const Invocation& invocation) {
  std::string text;
  for (const auto& copy : invocation.copies) {
    text += text.empty() ? "" : "\n";
    text += copy.name.empty() ? "copy\n" : fmt::format("copy {}\n", copy.name);
    for (const auto& line : lines_of(copy.settings)) {
      const auto value = line.value.empty() ? "-" : one_line(line.value);
      text +=
          fmt::format("  {:<21} {:<32} {}\n", line.key, value, line.origin.empty() ? "default" : one_line(line.origin));
    }
  }
  return text;
}

std::string config_json(const Invocation& invocation) {
  Json copies = Json::array();
  for (const auto& copy : invocation.copies) {
    Json options = Json::object();
    for (const auto& line : lines_of(copy.settings)) {
      options[std::string(line.key)] = {{"value", line.value.empty() ? Json() : Json(line.value)},
                                        {"origin", line.origin.empty() ? "default" : line.origin}};
    }
    copies.push_back({{"name", copy.name.empty() ? Json() : Json(copy.name)}, {"options", options}});
  }
  const Json document{{"copies", copies}, {"exit_code", 0}};
  return printable_json(document.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n";
}

}  // namespace pghaul
