// Faults at random, one after the other, until the time is over; then a summary that can be quoted.
#include <charconv>
#include <cstdio>
#include <iostream>
#include <map>

#include <gtest/gtest.h>

#include "fault/fault_kinds.h"

namespace pghaul::test {
namespace {

constexpr auto usage = "usage: tests/fault/soak [--minutes N] [--seed S] [--only KIND], or the beginning of several:\n";

struct SoakOptions {
  std::int64_t minutes = 10;
  std::uint64_t seed = 1;
  std::string only;
};

struct Tally {
  std::int64_t runs = 0, starts = 0, faults = 0, rows = 0, lost = 0, doubled = 0, unexplained_exits = 0;
  std::vector<std::uint64_t> failed;

  void add(const Verdict& verdict) {
    ++runs;
    starts += verdict.starts;
    faults += verdict.faults;
    rows += verdict.rows;
    lost += verdict.lost;
    doubled += verdict.doubled;
    unexplained_exits += verdict.unexplained_exits;
    if (!verdict.good()) failed.push_back(verdict.seed);
  }
};

template <typename Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size();
}

// Whose names begin so.
std::vector<const FaultKind*> kinds_of(std::string_view only) {
  std::vector<const FaultKind*> kinds;
  for (const auto& kind : fault_kinds()) {
    if (kind.name.starts_with(only)) kinds.push_back(&kind);
  }
  return kinds;
}

bool read_options(int argc, char** argv, SoakOptions& options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i], value = argv[i + 1];
    const bool known = (name == "--minutes" && read_number(value, options.minutes)) ||
                       (name == "--seed" && read_number(value, options.seed)) ||
                       (name == "--only" && !kinds_of(value).empty());
    if (!known) return false;
    if (name == "--only") options.only = value;
  }
  return argc % 2 == 1 && options.minutes > 0;
}

const FaultKind& draw_kind(Random& random, const std::vector<const FaultKind*>& kinds) {
  int weights = 0;
  for (const auto* kind : kinds) weights += kind->weight;
  auto left = random.between(1, weights);
  for (const auto* kind : kinds) {
    left -= kind->weight;
    if (left <= 0) return *kind;
  }
  return *kinds.back();
}

void print(const SoakOptions& options, const Tally& all, const std::map<std::string_view, Tally>& kinds) {
  fmt::print("\n{:<38} {:>6} {:>7} {:>7} {:>9} {:>5} {:>8} {:>7}\n", "kind", "runs", "starts", "faults", "rows",
             "lost", "doubled", "failed");
  for (const auto& [name, tally] : kinds) {
    fmt::print("{:<38} {:>6} {:>7} {:>7} {:>9} {:>5} {:>8} {:>7}\n", name, tally.runs, tally.starts, tally.faults,
               tally.rows, tally.lost, tally.doubled, tally.failed.size());
  }
  fmt::print(
      "\nsoak of {} minutes, seed {}: {} runs, {} starts of pghaul, {} faults of {} kinds, {} rows, {} lost rows, "
      "{} doubled rows, {} unexplained exits, {} runs failed\n",
      options.minutes, options.seed, all.runs, all.starts, all.faults, kinds.size(), all.rows, all.lost, all.doubled,
      all.unexplained_exits, all.failed.size());
  for (const auto seed : all.failed) fmt::print("again: tests/fault/replay {}\n", seed);
}

int soak(const SoakOptions& options) {
  Random random(options.seed);
  const auto chosen = kinds_of(options.only);
  Tally all;
  std::map<std::string_view, Tally> kinds;
  const auto end = Deadline::after(std::chrono::minutes(options.minutes));
  while (!end.expired()) {
    const auto& kind = draw_kind(random, chosen);
    const auto verdict = play(seed_of(kind, static_cast<std::uint64_t>(random.between(0, INT64_MAX - 1))));
    all.add(verdict);
    kinds[kind.name].add(verdict);
    if (!verdict.good()) std::cout << verdict << std::flush;
    if (all.runs % 50 == 0) fmt::print("{} runs, {} faults, {} failed\n", all.runs, all.faults, all.failed.size());
    std::fflush(stdout);
  }
  print(options, all, kinds);
  return all.failed.empty() ? 0 : 1;
}

}  // namespace
}  // namespace pghaul::test

int main(int argc, char** argv) {
  testing::InitGoogleTest();  // the support library's expectations
  pghaul::test::SoakOptions options;
  if (!pghaul::test::read_options(argc, argv, options)) {
    std::fputs(pghaul::test::usage, stderr);
    for (const auto& kind : pghaul::test::fault_kinds()) fmt::print(stderr, "  {}\n", kind.name);
    return 2;
  }
  return pghaul::test::soak(options);
}
