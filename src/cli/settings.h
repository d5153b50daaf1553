// What is in force: command line before environment before the file's copy before the file's defaults.
#pragma once

#include <string>
#include <vector>

#include "cli/options.h"

namespace pghaul {

// Of the options `typed` on the command line, and the copies that were named there.
// Errors: usage, naming option, variable or place in the file.
Invocation make_invocation(Verb verb, const Settings& typed, const std::vector<std::string>& names,
                           const Environment& environment);

// The file that options or environment name; empty: none.
std::string config_path(Verb verb, const Settings& typed, const Environment& environment);

// Values and origins of all copies, for `pghaul config show`. Without passwords.
std::string config_text(const Invocation& invocation);
std::string config_json(const Invocation& invocation);

}  // namespace pghaul
