// The configuration file: TOML whose keys are the options of the command line (docs/configuration.md).
//
//   [defaults]                    every copy's, unless it says otherwise
//   source = "service=prod"
//   target = {env = "STATS_URI"}
//   [[copy]]
//   name = "profiles"
//   tables = ["public.profiles"]
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pghaul {

struct ConfigValue {
  std::vector<std::string> texts;  // as Setting::texts
  std::string variable;            // of the environment, that has the value instead
  std::string place;               // "nightly.toml:7"
};

struct ConfigSection {
  std::string name;
  std::string place;
  std::map<std::string_view, ConfigValue> values;  // by the option's name
};

struct ConfigFile {
  std::string path;
  ConfigSection defaults;
  std::vector<ConfigSection> copies;
};

// Errors: usage, with file and line: what is no TOML, unknown keys, values of another type, names that are not unique,
// and passwords, whose place is elsewhere. What the values mean is not looked at.
ConfigFile parse_config(std::string_view text, const std::string& path);
ConfigFile read_config(const std::string& path);

}  // namespace pghaul
