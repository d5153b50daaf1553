#include "base/failpoint.h"

#include <algorithm>

namespace pghaul {

#ifdef PGHAUL_WITH_FAILPOINTS

const std::vector<std::string_view>& copy_failpoint_names() {
  static const std::vector<std::string_view> names{
      fp::ledger_before_create, fp::ledger_created, fp::job_before_record, fp::job_recorded, fp::owner_before_claim,
      fp::owner_claimed, fp::source_before_accept, fp::source_accepted, fp::target_before_create,
      fp::target_created, fp::target_before_empty, fp::target_emptied, fp::plan_before_save, fp::tail_before_delete,
      fp::tail_deleted, fp::plan_saved, fp::chunk_claimed, fp::chunk_before_split, fp::chunk_split, fp::batch_read,
      fp::chunk_before_mark, fp::chunk_marked, fp::range_before_empty, fp::range_emptied, fp::rows_before_merge,
      fp::rows_merged, fp::rows_sent, fp::chunk_before_commit, fp::chunk_after_commit, fp::failure_before_note,
      fp::failure_noted, fp::index_before_build, fp::index_built, fp::constraint_before_make, fp::constraint_made,
      fp::before_vacuum, fp::vacuumed, fp::before_finish, fp::finished, fp::stop_before_note, fp::stop_noted,
      fp::owner_before_release, fp::owner_released};
  return names;
}

const std::vector<std::string_view>& verify_failpoint_names() {
  static const std::vector<std::string_view> names{
      fp::record_before_open, fp::record_opened, fp::plan_before_save, fp::plan_saved, fp::chunk_claimed,
      fp::chunk_before_split, fp::chunk_split, fp::batch_read, fp::chunk_before_commit, fp::chunk_after_commit,
      fp::rows_before_look, fp::rows_looked_at, fp::record_before_remove, fp::record_removed};
  return names;
}

#else

const std::vector<std::string_view>& copy_failpoint_names() {
  static const std::vector<std::string_view> none;
  return none;
}

const std::vector<std::string_view>& verify_failpoint_names() { return copy_failpoint_names(); }

#endif

const std::vector<std::string_view>& failpoint_names() {
  static const auto all = [] {
    auto names = copy_failpoint_names();
    for (const auto name : verify_failpoint_names()) {
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
    return names;
  }();
  return all;
}

}  // namespace pghaul

#ifdef PGHAUL_WITH_FAILPOINTS

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <thread>

#include <signal.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pghaul/error.h"

namespace pghaul {
namespace {

enum class Action { kill9, exit, error, sleep, hang };

struct Rule {
  std::string name;
  Action action = Action::error;
  int argument = 1;           // milliseconds of sleep, code of exit
  std::int64_t nth = 1;       // 0: every hit
  std::int64_t hits = 0;
};

std::atomic<bool> configured{false};
std::mutex rules_mutex;
std::vector<Rule> rules;  // guarded by rules_mutex

Error bad_rule(std::string_view rule, std::string_view why) {
  return Error(ErrorKind::usage, fmt::format("PGHAUL_FAILPOINTS: '{}': {}", rule, why))
      .advise(fmt::format("write name=kill9|exit(code)|error|sleep(ms)|hang[@nth|@*];… with one of these names: {}",
                          fmt::join(failpoint_names(), ", ")));
}

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size() && number >= 0;
}

Action parse_action(std::string_view word, std::string_view rule) {
  if (word == "kill9") return Action::kill9;
  if (word == "exit") return Action::exit;
  if (word == "error") return Action::error;
  if (word == "sleep") return Action::sleep;
  if (word == "hang") return Action::hang;
  throw bad_rule(rule, fmt::format("unknown action '{}'", word));
}

std::int64_t parse_nth(std::string_view text, std::string_view rule) {
  std::int64_t nth = 0;
  if (text == "*") return 0;
  if (!parse_number(text, nth) || nth == 0) throw bad_rule(rule, "after @ stands a count from 1, or *");
  return nth;
}

// "sleep(50)" into action and argument.
void parse_call(std::string_view call, std::string_view text, Rule& rule) {
  const auto open = call.find('(');
  rule.action = parse_action(call.substr(0, open), text);
  const bool has_argument = open != std::string_view::npos;
  const bool may_have = rule.action == Action::sleep || rule.action == Action::exit;
  if (has_argument && !may_have) throw bad_rule(text, "only sleep(ms) and exit(code) take an argument");
  if (!has_argument && rule.action == Action::sleep) throw bad_rule(text, "sleep needs its milliseconds");
  if (!has_argument) return;
  const auto argument = call.substr(open + 1);
  if (!argument.ends_with(')') || !parse_number(argument.substr(0, argument.size() - 1), rule.argument)) {
    throw bad_rule(text, "the argument is not a number in parentheses");
  }
}

Rule parse_rule(std::string_view text) {
  Rule rule;
  const auto equals = text.find('=');
  rule.name = text.substr(0, equals);
  if (std::ranges::find(failpoint_names(), rule.name) == failpoint_names().end()) {
    throw bad_rule(text, fmt::format("unknown name '{}'", rule.name));
  }
  if (equals == std::string_view::npos) throw bad_rule(text, "no action");
  auto call = text.substr(equals + 1);
  if (const auto at = call.find('@'); at != std::string_view::npos) {
    rule.nth = parse_nth(call.substr(at + 1), text);
    call = call.substr(0, at);
  }
  parse_call(call, text, rule);
  return rule;
}

[[noreturn]] void hang() {
  while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}

void act(const Rule& rule) {
  switch (rule.action) {
    case Action::kill9: ::kill(::getpid(), SIGKILL); hang();
    case Action::exit: ::_exit(rule.argument);
    case Action::hang: hang();
    case Action::sleep: std::this_thread::sleep_for(std::chrono::milliseconds(rule.argument)); return;
    case Action::error: break;
  }
  throw Error(ErrorKind::transient, fmt::format("failpoint {}", rule.name)).on(Side::local);
}

// The rules that this hit sets off; not acted upon under the lock, as a hanging thread must not hang the others.
std::vector<Rule> count_hit(std::string_view name) {
  const std::scoped_lock lock(rules_mutex);
  std::vector<Rule> due;
  for (auto& rule : rules) {
    if (rule.name != name) continue;
    ++rule.hits;
    if (rule.nth == 0 || rule.hits == rule.nth) due.push_back(rule);
  }
  return due;
}

}  // namespace

void failpoint(std::string_view name) {
  if (!configured.load(std::memory_order_relaxed)) return;
  for (const auto& rule : count_hit(name)) act(rule);
}

void configure_failpoints(std::string_view specification) {
  std::vector<Rule> parsed;
  while (!specification.empty()) {
    const auto end = specification.find(';');
    if (const auto text = specification.substr(0, end); !text.empty()) parsed.push_back(parse_rule(text));
    specification.remove_prefix(end == std::string_view::npos ? specification.size() : end + 1);
  }
  const std::scoped_lock lock(rules_mutex);
  rules = std::move(parsed);
  configured.store(!rules.empty(), std::memory_order_relaxed);
}

}  // namespace pghaul

#endif
