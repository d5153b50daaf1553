#include "cli/config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/config_value.h"
#include "cli/option_table.h"
#include "pghaul/error.h"

namespace pghaul {
namespace {

constexpr std::size_t kLargest = 1'000'000;  // bytes; a mistaken path ends here and not in the memory

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), values_(path) {}
  ConfigFile read(const toml::table& document);

 private:
  Error wrong_key(const toml::key& key, const std::string& message) const {
    return Error(ErrorKind::usage, fmt::format("{}: {}", values_.place(key.source()), message));
  }
  Error unknown_key(const toml::key& key) const;
  const OptionSpec& option_of(const toml::key& key, bool of_copy) const;
  std::string name_of(const toml::node& node) const;
  ConfigSection section_of(const toml::node& node, bool of_copy) const;
  std::vector<ConfigSection> copies_of(const toml::node& node) const;

  const std::string path_;
  const ConfigValueReader values_;
};

// "batch_bytes" and "table" are what is typed for "batch-bytes" and "tables".
bool is_near(std::string_view typed, std::string_view key) {
  std::string text(typed);
  std::ranges::replace(text, '_', '-');
  return text == key || text + "s" == key || text == std::string(key) + "s" || text == "--" + std::string(key);
}

Error Reader::unknown_key(const toml::key& key) const {
  auto error = wrong_key(key, fmt::format("unknown key '{}'", key.str()));
  for (const auto& spec : option_table()) {
    const auto known = config_key(spec);
    if (!known.empty() && is_near(key.str(), known)) return error.advise(fmt::format("write {}", known));
  }
  return error.advise("keys are the options of pghaul copy without their dashes; see man pghaul");
}

const OptionSpec& Reader::option_of(const toml::key& key, bool of_copy) const {
  const auto found = std::ranges::find_if(
      option_table(), [&](const OptionSpec& spec) { return !key.str().empty() && config_key(spec) == key.str(); });
  if (found == option_table().end()) throw unknown_key(key);
  if (!of_copy || !is_command_wide(*found)) return *found;
  throw wrong_key(key, fmt::format("{} is of the whole command", key.str())).advise("move it to [defaults]");
}

// It is typed on the command line, and shown.
std::string Reader::name_of(const toml::node& node) const {
  const auto name = values_.text_of(node, "name", "a text");
  const bool plain = std::ranges::all_of(name, [](char c) {
    return c == '-' || c == '_' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
  });
  if (plain && !name.empty() && name.size() <= 100 && name.front() != '-') return name;
  throw values_.wrong(node, "name: expected letters, digits, dots, dashes and underscores, and no dash in front");
}

ConfigSection Reader::section_of(const toml::node& node, bool of_copy) const {
  const auto* const table = node.as_table();
  if (table == nullptr) throw values_.wrong_type(node, of_copy ? "copy" : "defaults", "a table");
  ConfigSection section;
  section.place = values_.place(node);
  for (const auto& [key, value] : *table) {
    if (of_copy && key.str() == "name") {
      section.name = name_of(value);
      continue;
    }
    const auto& spec = option_of(key, of_copy);
    section.values[spec.name] = values_.value_of(spec, value);
  }
  if (of_copy && section.name.empty()) throw values_.wrong(node, "a copy has no name").advise("write name = \"...\"");
  return section;
}

std::vector<ConfigSection> Reader::copies_of(const toml::node& node) const {
  const auto* const list = node.as_array();
  if (list == nullptr)
    throw values_.wrong_type(node, "copy", "a list of tables").advise("write [[copy]] above each copy");
  std::vector<ConfigSection> copies;
  std::map<std::string, std::string> places;
  for (const auto& each : *list) {
    auto section = section_of(each, true);
    const auto [first, added] = places.try_emplace(section.name, section.place);
    if (!added) {
      const auto other = fmt::format("the other is at {}", first->second);
      throw values_.wrong(each, fmt::format("there are two copies with the name {}; {}", section.name, other));
    }
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
  return Error(ErrorKind::usage, fmt::format("cannot read the configuration file: {}", why))
      .on(Side::local)
      .about(path);
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
