#include "cli/config_file.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "cli/option_table.h"
#include "pg/conninfo_words.h"
#include "pghaul/error.h"

namespace pghaul {
namespace {

constexpr std::size_t kLargest = 1'000'000;  // bytes; a mistaken path ends here and not in the memory

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}
  ConfigFile read(const toml::table& document);

 private:
  std::string place(const toml::node& node) const { return fmt::format("{}:{}", path_, node.source().begin.line); }
  Error wrong(const toml::node& node, const std::string& message) const {
    return Error(ErrorKind::usage, fmt::format("{}: {}", place(node), message));
  }
  Error wrong_type(const toml::node& node, std::string_view key, std::string_view expected) const;
  Error unknown_key(const toml::key& key) const;
  const OptionSpec& option_of(const toml::key& key, bool of_copy) const;
  std::string text_of(const toml::node& node, std::string_view key, std::string_view expected) const;
  std::string name_of(const toml::node& node) const;
  void refuse_password(const toml::node& node, std::string_view key, const std::string& text) const;
  ConfigValue flag_value(const toml::node& node, std::string_view key) const;
  ConfigValue list_value(const toml::node& node, std::string_view key) const;
  ConfigValue server_value(const toml::node& node, std::string_view key) const;
  ConfigValue plain_value(const OptionSpec& spec, const toml::node& node) const;
  ConfigValue value_of(const OptionSpec& spec, const toml::node& node) const;
  ConfigSection section_of(const toml::node& node, bool of_copy) const;
  std::vector<ConfigSection> copies_of(const toml::node& node) const;

  const std::string path_;
};

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "a text";
    case toml::node_type::integer: return "a whole number";
    case toml::node_type::floating_point: return "a number with a point";
    case toml::node_type::boolean: return "true or false";
    default: return "a date or time";
  }
}

Error Reader::wrong_type(const toml::node& node, std::string_view key, std::string_view expected) const {
  return wrong(node, fmt::format("{}: expected {}, found {}", key, expected, type_name(node)));
}

// "batch_bytes" and "table" are what is typed for "batch-bytes" and "tables".
bool is_near(std::string_view typed, std::string_view key) {
  std::string text(typed);
  std::ranges::replace(text, '_', '-');
  return text == key || text + "s" == key || text == std::string(key) + "s" || text == "--" + std::string(key);
}

Error Reader::unknown_key(const toml::key& key) const {
  auto error = Error(ErrorKind::usage, fmt::format("{}:{}: unknown key '{}'", path_, key.source().begin.line, key.str()));
  for (const auto& spec : option_table()) {
    const auto known = config_key(spec);
    if (!known.empty() && is_near(key.str(), known)) return error.advise(fmt::format("write {}", known));
  }
  return error.advise("keys are the options of pghaul copy without their dashes; see man pghaul");
}

const OptionSpec& Reader::option_of(const toml::key& key, bool of_copy) const {
  const auto found = std::ranges::find_if(option_table(), [&](const OptionSpec& spec) {
    return !key.str().empty() && config_key(spec) == key.str();
  });
  if (found == option_table().end()) throw unknown_key(key);
  if (!of_copy || !is_command_wide(*found)) return *found;
  throw Error(ErrorKind::usage, fmt::format("{}:{}: {} is of the whole command", path_, key.source().begin.line, key.str()))
      .advise("move it to [defaults]");
}

std::string Reader::text_of(const toml::node& node, std::string_view key, std::string_view expected) const {
  const auto* const text = node.as_string();
  if (text == nullptr) throw wrong_type(node, key, expected);
  if (text->get().find('\0') != std::string::npos) throw wrong(node, fmt::format("{}: a text cannot have a null byte", key));
  return text->get();
}

void Reader::refuse_password(const toml::node& node, std::string_view key, const std::string& text) const {
  const auto words = pg::conninfo_words(text);
  // The string is not repeated: what does not belong into it may be a password.
  if (!words) throw wrong(node, fmt::format("{}: the connection string is not valid", key));
  for (const auto& word : *words) {
    if (!word.secret) continue;
    throw wrong(node, fmt::format("{}: a {} has no place in this file", key, word.keyword))
        .advise(fmt::format("keep it in ~/.pgpass, passfile= or a service file, or write {} = {{env = \"NAME\"}} for a "
                            "variable that has the whole connection string", key));
  }
}

ConfigValue Reader::flag_value(const toml::node& node, std::string_view key) const {
  const auto* const on = node.as_boolean();
  if (on == nullptr) throw wrong_type(node, key, "true or false");
  ConfigValue value;
  if (on->get()) value.texts.emplace_back();
  return value;
}

ConfigValue Reader::list_value(const toml::node& node, std::string_view key) const {
  constexpr auto expected = "a list of texts";
  const auto* const list = node.as_array();
  if (list == nullptr) return {.texts = {text_of(node, key, expected)}, .variable = {}, .place = {}};
  if (list->empty()) throw wrong(node, fmt::format("{}: the list is empty", key));
  ConfigValue value;
  for (const auto& each : *list) value.texts.push_back(text_of(each, key, expected));
  return value;
}

ConfigValue Reader::server_value(const toml::node& node, std::string_view key) const {
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

ConfigValue Reader::plain_value(const OptionSpec& spec, const toml::node& node) const {
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

ConfigValue Reader::value_of(const OptionSpec& spec, const toml::node& node) const {
  const auto key = config_key(spec);
  auto value = spec.is_flag()          ? flag_value(node, key)
               : spec.repeatable       ? list_value(node, key)
               : spec.value == "URI" ? server_value(node, key)
                                       : plain_value(spec, node);
  value.place = place(node);
  return value;
}

// It is typed on the command line, and shown.
std::string Reader::name_of(const toml::node& node) const {
  const auto name = text_of(node, "name", "a text");
  const bool plain = std::ranges::all_of(name, [](char c) {
    return c == '-' || c == '_' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (plain && !name.empty() && name.size() <= 100 && name.front() != '-') return name;
  throw wrong(node, "name: expected letters, digits, dots, dashes and underscores, and no dash in front");
}

ConfigSection Reader::section_of(const toml::node& node, bool of_copy) const {
  const auto* const table = node.as_table();
  if (table == nullptr) throw wrong_type(node, of_copy ? "copy" : "defaults", "a table");
  ConfigSection section;
  section.place = place(node);
  for (const auto& [key, value] : *table) {
    if (of_copy && key.str() == "name") {
      section.name = name_of(value);
      continue;
    }
    const auto& spec = option_of(key, of_copy);
    section.values[spec.name] = value_of(spec, value);
  }
  if (of_copy && section.name.empty()) throw wrong(node, "a copy has no name").advise("write name = \"...\"");
  return section;
}

std::vector<ConfigSection> Reader::copies_of(const toml::node& node) const {
  const auto* const list = node.as_array();
  if (list == nullptr) throw wrong_type(node, "copy", "a list of tables").advise("write [[copy]] above each copy");
  std::vector<ConfigSection> copies;
  std::map<std::string, std::string> places;
  for (const auto& each : *list) {
    auto section = section_of(each, true);
    const auto [first, added] = places.try_emplace(section.name, section.place);
    if (!added) throw wrong(each, fmt::format("there are two copies with the name {}; the other is at {}", section.name, first->second));
    copies.push_back(std::move(section));
  }
  return copies;
}

ConfigFile Reader::read(const toml::table& document) {
  ConfigFile file;
  file.path = path_;
  for (const auto& [key, value] : document) {
    if (key.str() == "defaults") {
      file.defaults = section_of(value, false);
    } else if (key.str() == "copy") {
      file.copies = copies_of(value);
    } else {
      throw unknown_key(key).advise("a file has [defaults] and any number of [[copy]]; values belong into one of them");
    }
  }
  return file;
}

Error unreadable(const std::string& path, const std::string& why) {
  return Error(ErrorKind::usage, fmt::format("cannot read the configuration file: {}", why)).on(Side::local).about(path);
}

}  // namespace

ConfigFile parse_config(std::string_view text, const std::string& path) {
  try {
    return Reader(path).read(toml::parse(text));
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::usage, fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()))
        .advise("the format is TOML, https://toml.io");
  }
}

ConfigFile read_config(const std::string& path) {
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (!std::filesystem::exists(status)) throw unreadable(path, "there is none");
  // A pipe could be waited for without an end.
  if (!std::filesystem::is_regular_file(status)) throw unreadable(path, "it is no regular file");
  if (std::filesystem::file_size(path, code) > kLargest) throw unreadable(path, "it is too large");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) throw unreadable(path, "it cannot be opened").with_errno(errno);
  return parse_config(text, path);
}

}  // namespace pghaul
