// Debian's own package index as JSON documents: real records with nested and multi-line fields and Unicode.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/program.h"

namespace pghaul::test {

inline std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \n") - first + 1);
}

// Calls `part` with each piece between separators.
template <typename Part>
void for_each_part(std::string_view text, std::string_view separator, const Part& part) {
  for (std::size_t from = 0; from <= text.size();) {
    const auto to = std::min(text.find(separator, from), text.size());
    part(text.substr(from, to - from));
    from = to + separator.size();
  }
}

// "libc6 (>= 2.34), ttf-dejavu | fonts-dejavu": all of these, each one of several, each with or without a version.
inline nlohmann::json relations(std::string_view text) {
  auto all = nlohmann::json::array();
  for_each_part(text, ",", [&](std::string_view one_of) {
    auto alternatives = nlohmann::json::array();
    for_each_part(one_of, "|", [&](std::string_view relation) {
      const auto bracket = std::min(relation.find('('), relation.size());
      nlohmann::json package{{"package", trimmed(relation.substr(0, bracket))}};
      if (bracket < relation.size()) {
        package["version"] = trimmed(relation.substr(bracket + 1, relation.find(')') - bracket - 1));
      }
      alternatives.push_back(std::move(package));
    });
    all.push_back(std::move(alternatives));
  });
  return all;
}

inline nlohmann::json field_value(std::string_view name, std::string_view value) {
  constexpr std::array lists = {"Depends",  "Pre-Depends", "Recommends", "Suggests", "Enhances",
                                "Provides", "Replaces",    "Breaks",     "Conflicts"};
  if (std::find(lists.begin(), lists.end(), name) != lists.end()) return relations(value);
  if (name == "Size" || name == "Installed-Size") return std::stoll(std::string(value));
  return value;
}

// Lines "Name: value"; one that begins with a blank goes on with the value before it.
inline nlohmann::json record(std::string_view paragraph) {
  std::vector<std::pair<std::string_view, std::string>> fields;
  for_each_part(paragraph, "\n", [&](std::string_view line) {
    const auto colon = line.find(": ");
    if (line.starts_with(' ') && !fields.empty()) {
      fields.back().second.append("\n").append(line);
    } else if (colon != std::string_view::npos) {
      fields.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
  });
  auto document = nlohmann::json::object();
  for (const auto& [name, value] : fields) document[std::string(name)] = field_value(name, value);
  return document;
}

inline std::vector<nlohmann::json> package_index() {
  ProcessOptions options;
  options.argv = {"apt-cache", "dumpavail"};
  const auto result = run_program(options);
  std::vector<nlohmann::json> records;
  for_each_part(result.out, "\n\n", [&](std::string_view paragraph) {
    if (!trimmed(paragraph).empty()) records.push_back(record(paragraph));
  });
  return records;
}

}  // namespace pghaul::test
