// What the command line and the environment say.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "command/commands.h"
#include "command/copy_options.h"

namespace pghaul {

enum class Verb { none, copy, plan, status, demo };
enum class ProgressStyle { automatic, bar, plain, json, none };

// A value. `copy` serves the verbs copy and plan.
struct Invocation {
  Verb verb = Verb::none;
  bool help = false, version = false, list_failpoints = false;  // instead of the verb's work
  CopyOptions copy;
  StatusOptions status;
  DemoOptions demo;
  ProgressStyle progress = ProgressStyle::automatic;
  bool json = false, verbose = false;
  std::set<std::string> given;  // options that stand on the command line, as `--readers`
};

// Value of an environment variable, or null.
using Environment = std::function<const char*(const char*)>;

// `arguments` without the program's name. Nothing is opened, read or written.
// Errors: usage, naming the option and what is expected. Values of arguments that were not understood are not repeated:
// they may hold a password.
Invocation parse_options(const std::vector<std::string>& arguments, const Environment& environment);

// At most `width` columns, within reason.
std::string help_text(Verb verb, std::size_t width = 80);

}  // namespace pghaul
