#include "cli/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "catalog/table_shape.h"
#include "cli/config_file.h"
#include "cli/option_table.h"
#include "pghaul/error.h"

namespace pghaul {
namespace {

// Of which values are taken, the first that has one.
class Layers {
 public:
  Layers(const Settings& typed, const Environment& environment, const ConfigFile* file)
      : typed_(typed), environment_(environment), file_(file) {}

  // `copy` may be null.
  Settings settings_of(Verb verb, const ConfigSection* copy) const;
  std::optional<Setting> setting_of(Verb verb, const OptionSpec& spec, const ConfigSection* copy) const;

 private:
  Setting of_file(Verb verb, const OptionSpec& spec, const ConfigValue& value) const;

  const Settings& typed_;
  const Environment& environment_;
  const ConfigFile* const file_;
};

Setting Layers::of_file(Verb verb, const OptionSpec& spec, const ConfigValue& value) const {
  if (value.variable.empty()) return {value.texts, value.place, true};
  const char* const text = environment_(value.variable.c_str());
  if (text != nullptr && *text != '\0') return {{text}, fmt::format("{}, {}", value.variable, value.place), true};
  if (verb == Verb::config) return {{}, fmt::format("{} is not set, {}", value.variable, value.place), true};
  throw Error(ErrorKind::usage,
              fmt::format("{}: {}: the variable {} is not set", value.place, config_key(spec), value.variable));
}

std::optional<Setting> Layers::setting_of(Verb verb, const OptionSpec& spec, const ConfigSection* copy) const {
  if (const auto found = typed_.find(spec.name); found != typed_.end()) return found->second;
  if (spec.environment) {
    const auto name = environment_name(spec);
    const char* const value = environment_(name.c_str());
    if (value != nullptr && *value != '\0') return Setting{{value}, name, false};
  }
  for (const auto* const section : {copy, file_ == nullptr ? nullptr : &file_->defaults}) {
    if (section == nullptr) continue;
    const auto found = section->values.find(spec.name);
    if (found != section->values.end()) return of_file(verb, spec, found->second);
  }
  return std::nullopt;
}

Settings Layers::settings_of(Verb verb, const ConfigSection* copy) const {
  Settings settings;
  for (const auto& spec : option_table()) {
    if ((spec.taken_by & verb_bit(verb)) == 0) continue;
    if (auto setting = setting_of(verb, spec, copy)) settings.emplace(spec.name, std::move(*setting));
  }
  return settings;
}

void apply(const Settings& settings, Invocation& invocation) {
  for (const auto& spec : option_table()) {
    const auto found = settings.find(spec.name);
    if (found == settings.end()) continue;
    try {
      for (const auto& text : found->second.texts) spec.set(invocation, text);
    } catch (const Error& error) {
      const auto& origin = found->second.origin;
      const auto where = found->second.of_file ? fmt::format("{}: {}", origin, config_key(spec)) : origin;
      throw Error(ErrorKind::usage, fmt::format("{}: {}", where, error.what())).advise(error.advice());
    }
  }
}

// The place of what `message` complains of: its option's, if that is from the file, else the copy's.
std::string place_of(std::string_view message, const Settings& settings, const ConfigSection& copy) {
  for (const auto& [name, setting] : settings) {
    const bool meant = message.starts_with(name) && message.substr(name.size()).find_first_of(" :") == 0;
    if (meant && setting.of_file) return setting.origin;
  }
  return copy.place;
}

void validate(const Invocation& invocation, const Settings& settings, const ConfigSection* copy) {
  try {
    validate_options(invocation);
  } catch (const Error& error) {
    if (copy == nullptr) throw;
    const auto place = place_of(error.what(), settings, *copy);
    throw Error(ErrorKind::usage, fmt::format("{}: copy {}: {}", place, copy->name, error.what()))
        .advise(error.advice());
  }
}

// All of the file, or those that were named, in the order of their names; a null stands for options alone.
std::vector<const ConfigSection*> chosen(const ConfigFile* file, const std::vector<std::string>& names) {
  std::vector<const ConfigSection*> copies;
  if (file != nullptr && names.empty()) {
    for (const auto& copy : file->copies) copies.push_back(&copy);
  }
  for (const auto& name : names) {
    const auto found = std::ranges::find(file->copies, name, &ConfigSection::name);
    if (found == file->copies.end()) {
      throw Error(ErrorKind::usage, fmt::format("{} has no copy of that name", file->path))
          .advise(fmt::format("pghaul config show --config {} tells all", file->path));
    }
    if (std::ranges::find(copies, &*found) != copies.end()) {
      throw Error(ErrorKind::usage, fmt::format("the copy {} is named twice", name));
    }
    copies.push_back(&*found);
  }
  if (copies.empty()) copies.push_back(nullptr);
  return copies;
}

std::vector<std::string> table_names(const PgCopyOptions& options) {
  std::vector<std::string> names;
  for (const auto& table : options.tables) names.push_back(catalog::parse_table_name(table).display());
  return names;
}

bool are_of_same_rows(const PgCopyOptions& one, const PgCopyOptions& other) {
  return one.source == other.source && one.target == other.target && one.where_sql == other.where_sql &&
         one.columns == other.columns && one.only == other.only;
}

// Would be copied twice in one command.
void refuse_common_tables(const NamedCopy& one, const NamedCopy& other) {
  if (!are_of_same_rows(one.options, other.options)) return;
  const auto known = table_names(one.options);
  for (const auto& name : table_names(other.options)) {
    if (std::ranges::find(known, name) == known.end()) continue;
    throw Error(ErrorKind::usage, fmt::format("{}: copy {}: {} is also in copy {}", other.settings.at("--table").origin,
                                              other.name, name, one.name))
        .advise("name each table once, or give the copies conditions (where) that part the rows");
  }
}

void check_together(const Invocation& invocation) {
  const auto& copies = invocation.copies;
  if (copies.size() > 1 && invocation.given.contains("--table")) {
    throw Error(ErrorKind::usage, fmt::format("--table cannot stand for the tables of {} copies", copies.size()))
        .advise("name one of them");
  }
  for (std::size_t i = 0; i < copies.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) refuse_common_tables(copies[k], copies[i]);
  }
}

// Status asks one target.
void check_one_target(const std::vector<Invocation>& each) {
  for (const auto& other : each) {
    const auto &one = each.front().status, &status = other.status;
    if (one.target == status.target && one.ledger_schema == status.ledger_schema) continue;
    throw Error(ErrorKind::usage, "the copies of the file have several targets")
        .advise("name one copy, or give --target URI");
  }
}

}  // namespace

std::string config_path(Verb verb, const Settings& typed, const Environment& environment) {
  const auto& spec = *std::ranges::find(option_table(), "--config", &OptionSpec::name);
  if ((spec.taken_by & verb_bit(verb)) == 0) return "";
  const auto setting = Layers(typed, environment, nullptr).setting_of(verb, spec, nullptr);
  return setting ? setting->texts.front() : "";
}

Invocation make_invocation(Verb verb, const Settings& typed, const std::vector<std::string>& names,
                           const Environment& environment) {
  const auto path = config_path(verb, typed, environment);
  const auto file = path.empty() ? std::nullopt : std::optional(read_config(path));
  const Layers layers(typed, environment, file ? &*file : nullptr);
  std::vector<Invocation> invocations;
  std::vector<NamedCopy> copies;
  for (const auto* const section : chosen(file ? &*file : nullptr, names)) {
    Invocation& each = invocations.emplace_back();
    each.verb = verb;
    for (const auto& [name, setting] : typed) each.given.emplace(name);
    const auto settings = layers.settings_of(verb, section);
    apply(settings, each);
    validate(each, settings, section);
    copies.push_back({section == nullptr ? "" : section->name, each.copy, each.verify, settings});
  }
  if (verb == Verb::status) check_one_target(invocations);
  auto invocation = std::move(invocations.front());
  invocation.copies = std::move(copies);
  if (verb == Verb::copy || verb == Verb::plan || verb == Verb::verify) check_together(invocation);
  return invocation;
}

}  // namespace pghaul
