// What the command line and the environment say.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "command/commands.h"
#include "command/copy_options.h"

namespace pghaul {

enum class Verb { none, copy, plan, verify, status, demo, config };
enum class ProgressStyle { automatic, bar, plain, json, none };

// What one option is set to.
struct Setting {
  std::vector<std::string> texts;  // as they would be typed; a flag that is on has an empty one
  std::string origin;              // "--readers", "PGHAUL_READERS", "nightly.toml:7"
  bool of_file = false;
};
// By the option's name; one that has its default stands nowhere.
using Settings = std::map<std::string_view, Setting>;

// One of the copies that a command does, one after the other.
struct NamedCopy {
  std::string name;  // in the configuration file; empty: the only one, made of options alone
  PgCopyOptions options;
  VerifyOptions verify;  // without its `copy`
  Settings settings;
};

// A value. `copy` serves the verbs copy, plan and verify.
struct Invocation {
  Verb verb = Verb::none;
  bool help = false, version = false, list_failpoints = false;  // instead of the verb's work
  PgCopyOptions copy;
  VerifyOptions verify;  // without its `copy`
  StatusOptions status;
  DemoOptions demo;
  ProgressStyle progress = ProgressStyle::automatic;
  bool json = false, verbose = false;
  std::string config;            // the file, if there is one
  std::vector<NamedCopy> copies;  // for copy, plan, verify and config, where `copy` is the first one's
  std::set<std::string> given;  // options that stand on the command line, as `--readers`
};

// Value of an environment variable, or null.
using Environment = std::function<const char*(const char*)>;

// `arguments` without the program's name. Nothing but the configuration file is opened, and nothing written.
// Errors: usage, naming the option and what is expected. Values of arguments that were not understood are not repeated:
// they may hold a password.
Invocation parse_options(const std::vector<std::string>& arguments, const Environment& environment);

// At most `width` columns, within reason.
std::string help_text(Verb verb, std::size_t width = 80);

}  // namespace pghaul
