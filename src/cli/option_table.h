// Every option, declared once. Parser, environment, defaults and help are made from this.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"

namespace pghaul {

// Sets of verbs, as bits.
namespace verbs {
inline constexpr unsigned program = 1;  // no verb: `pghaul --version`
inline constexpr unsigned copy = 2, plan = 4, status = 8, demo = 16, config = 32, verify = 64;
inline constexpr unsigned copying = copy | plan | config;  // config shows what the others would take
inline constexpr unsigned comparing = verify | config;
inline constexpr unsigned tables = copying | verify;       // of those that work on tables of two servers
}  // namespace verbs
unsigned verb_bit(Verb verb);
std::string_view verb_name(Verb verb);

struct OptionSpec {
  std::string_view name;   // "--readers"
  // What stands for the value in help. Empty: a flag. "a|b|c": one of these words. FILE: completed as a path.
  std::string_view value;
  std::string_view group;
  std::string_view help;
  unsigned taken_by = verbs::copying;
  // Errors: usage, without the option's name.
  void (*set)(Invocation& into, const std::string& value) = nullptr;
  // The value as it would be typed; null: help tells no default.
  std::string (*show)(const Invocation& from) = nullptr;
  bool environment = false;  // see environment_name()
  bool repeatable = false;
  std::string_view key = {};  // in the configuration file, where it is not the name without its dashes

  bool is_flag() const { return value.empty(); }
};

// In the order of help: groups are contiguous.
std::span<const OptionSpec> option_table();

// "PGHAUL_BATCH_BYTES" for --batch-bytes.
std::string environment_name(const OptionSpec& spec);

// "batch-bytes" for --batch-bytes. Empty: has no place in the configuration file.
std::string_view config_key(const OptionSpec& spec);
// One for the command, and so not for a single copy of the configuration file.
bool is_command_wide(const OptionSpec& spec);

// Its help and its default, as running text.
std::string option_text(const OptionSpec& spec);
// The words that it takes; none: anything.
std::vector<std::string_view> option_words(const OptionSpec& spec);

// What each option was set to must also fit together. Errors: usage.
void validate_options(const Invocation& invocation);

}  // namespace pghaul
