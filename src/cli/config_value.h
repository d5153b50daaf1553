// Values of the configuration file: their types, as the options want them.
#pragma once

#include <toml++/toml.h>

#include <string>
#include <string_view>

#include "cli/config_file.h"
#include "cli/option_table.h"
#include "pghaul/error.h"

namespace pghaul {

// Errors: usage, with file and line.
class ConfigValueReader {
 public:
  explicit ConfigValueReader(const std::string& path) : path_(path) {}

  ConfigValue value_of(const OptionSpec& spec, const toml::node& node) const;
  std::string text_of(const toml::node& node, std::string_view key, std::string_view expected) const;

  // "nightly.toml:7"
  std::string place(const toml::source_region& region) const;
  std::string place(const toml::node& node) const { return place(node.source()); }
  Error wrong(const toml::node& node, const std::string& message) const;
  Error wrong_type(const toml::node& node, std::string_view key, std::string_view expected) const;

 private:
  ConfigValue flag_value(const toml::node& node, std::string_view key) const;
  ConfigValue list_value(const toml::node& node, std::string_view key) const;
  ConfigValue server_value(const toml::node& node, std::string_view key) const;
  ConfigValue plain_value(const OptionSpec& spec, const toml::node& node) const;
  void refuse_password(const toml::node& node, std::string_view key, const std::string& text) const;

  const std::string path_;
};

}  // namespace pghaul
