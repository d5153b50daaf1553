#include "cli/config_value.h"

#include <fmt/format.h>

#include "pg/conninfo_words.h"

namespace pghaul {
namespace {

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a point";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

}  // namespace

std::string ConfigValueReader::place(const toml::source_region& region) const {
  return fmt::format("{}:{}", path_, region.begin.line);
}

Error ConfigValueReader::wrong(const toml::node& node, const std::string& message) const {
  return Error(ErrorKind::usage, fmt::format("{}: {}", place(node), message));
}

Error ConfigValueReader::wrong_type(const toml::node& node, std::string_view key, std::string_view expected) const {
  return wrong(node, fmt::format("{}: expected {}, found {}", key, expected, type_name(node)));
}

std::string ConfigValueReader::text_of(const toml::node& node, std::string_view key, std::string_view expected) const {
  const auto* const text = node.as_string();
  if (text == nullptr) throw wrong_type(node, key, expected);
  if (text->get().find('\0') != std::string::npos)
    throw wrong(node, fmt::format("{}: a text cannot have a null byte", key));
  return text->get();
}

void ConfigValueReader::refuse_password(const toml::node& node, std::string_view key, const std::string& text) const {
  const auto words = pg::conninfo_words(text);
  // The string is not repeated: what does not belong into it may be a password.
  if (!words) throw wrong(node, fmt::format("{}: the connection string is not valid", key));
  for (const auto& word : *words) {
    if (!word.secret) continue;
    throw wrong(node, fmt::format("{}: a {} has no place in this file", key, word.keyword))
        .advise(fmt::format("keep it in ~/.pgpass, passfile= or a service file, or write {} = {{env = \"NAME\"}} for a "
                            "variable that has the whole connection string",
                            key));
  }
}

ConfigValue ConfigValueReader::flag_value(const toml::node& node, std::string_view key) const {
  const auto* const on = node.as_boolean();
  if (on == nullptr) throw wrong_type(node, key, "true or false");
  ConfigValue value;
  if (on->get()) value.texts.emplace_back();
  return value;
}

ConfigValue ConfigValueReader::list_value(const toml::node& node, std::string_view key) const {
  constexpr auto expected = "a list of texts";
  const auto* const list = node.as_array();
  if (list == nullptr) return {.texts = {text_of(node, key, expected)}, .variable = {}, .place = {}};
  if (list->empty()) throw wrong(node, fmt::format("{}: the list is empty", key));
  ConfigValue value;
  for (const auto& each : *list) value.texts.push_back(text_of(each, key, expected));
  return value;
}

ConfigValue ConfigValueReader::server_value(const toml::node& node, std::string_view key) const {
  constexpr auto expected = "a connection string or {env = \"NAME\"}";
  ConfigValue value;
  const auto* const reference = node.as_table();
  if (reference == nullptr) {
    value.texts = {text_of(node, key, expected)};
    refuse_password(node, key, value.texts.front());
    return value;
  }
  const auto* const variable = reference->get("env");
  if (variable == nullptr || reference->size() != 1) throw wrong(node, fmt::format("{}: expected {}", key, expected));
  value.variable = text_of(*variable, "env", "the name of a variable");
  if (value.variable.empty() || value.variable.find('=') != std::string::npos) {
    throw wrong(*variable, fmt::format("{}: env: expected the name of a variable", key));
  }
  return value;
}

ConfigValue ConfigValueReader::plain_value(const OptionSpec& spec, const toml::node& node) const {
  const auto key = config_key(spec);
  const bool count = spec.value == "N", size = spec.value == "SIZE";
  ConfigValue value;
  if (const auto* const number = node.as_integer(); number != nullptr && (count || size)) {
    value.texts = {std::to_string(number->get())};
  } else if (count) {
    throw wrong_type(node, key, "a whole number");
  } else {
    value.texts = {text_of(node, key, "a text")};
  }
  return value;
}

ConfigValue ConfigValueReader::value_of(const OptionSpec& spec, const toml::node& node) const {
  const auto key = config_key(spec);
  auto value = spec.is_flag()        ? flag_value(node, key)
               : spec.repeatable     ? list_value(node, key)
               : spec.value == "URI" ? server_value(node, key)
                                     : plain_value(spec, node);
  value.place = place(node);
  return value;
}

}  // namespace pghaul
