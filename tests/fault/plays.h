// Seeds as tests: every play is a case of its own, named after its fault and number.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "fault/fault_kinds.h"
#include "pghaul/error.h"

namespace pghaul::test {

class Played : public testing::TestWithParam<std::uint64_t> {};

// Seeds `first` to `last` of a fault.
struct Plays {
  std::string_view kind;
  std::uint64_t first, last;
};

inline std::vector<std::uint64_t> seeds(std::initializer_list<Plays> plays) {
  std::vector<std::uint64_t> all;
  for (const auto& [name, first, last] : plays) {
    const auto* const kind = find_kind(name);
    if (kind == nullptr) throw Error(ErrorKind::usage, "no fault is called " + std::string(name));
    for (auto number = first; number <= last; ++number) all.push_back(seed_of(*kind, number));
  }
  return all;
}

inline std::string play_name(const testing::TestParamInfo<std::uint64_t>& info) {
  const auto* const kind = kind_of(info.param);
  return fmt::format("{}_{}", kind == nullptr ? "unknown" : kind->name, number_of(info.param));
}

TEST_P(Played, IsSurvived) {
  const auto verdict = play(GetParam());
  EXPECT_TRUE(verdict.good()) << verdict;
}

}  // namespace pghaul::test
