// Seeds that failed once, each with what it found. They are never removed.
#include "fault/plays.h"

namespace pghaul::test {
namespace {

struct KeptSeed {
  std::string_view kind;
  std::uint64_t number;
};

constexpr KeptSeed kept[] = {
    {"E3_passing_errors", 1},    // the suite itself: indexes of a table that was there before
    {"C14_few_connections", 1},  // the suite itself: an option given twice
    {"F5_away_for_a_while", 1},  // a refusal in preflight told its reason twice, and no side
};

std::vector<std::uint64_t> kept_seeds() {
  std::vector<std::uint64_t> all;
  for (const auto& [name, number] : kept) all.push_back(seed_of(*find_kind(name), number));
  return all;
}

INSTANTIATE_TEST_SUITE_P(Kept, Played, testing::ValuesIn(kept_seeds()), play_name);

}  // namespace
}  // namespace pghaul::test
