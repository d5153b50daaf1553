// Seeds that failed once, each with what it found. They are never removed.
#include "fault/plays.h"

namespace pghaul::test {
namespace {

struct KeptSeed {
  std::string_view kind;
  std::uint64_t number;
};

constexpr KeptSeed kept[] = {
    {"E3_passing_errors", 1},                // the suite itself: indexes of a table that was there before
    {"C14_few_connections", 1},              // the suite itself: an option given twice
    {"F5_away_for_a_while", 1},              // a refusal in preflight told its reason twice, and no side
    {"B4_commit_unknown", 8},                // the control session was not opened again while the plan was made
    {"B4_commit_unknown", 14},
    {"B15_control_session_cut", 12},         // nor the one of the source
    {"B2_cut_at_place_of_source", 8},
    {"B3_cut_at_place_of_target", 1},
    {"B2_cut_at_place_of_source", 15},       // a first connection of a reader that fails is not the first of the run
    {"E2_lock_on_source", 3},                // a lock timeout while the high-water mark was looked for ended the run
    {"J2_take_over_again_and_again", 2},     // who was shut out did not say of which table
    {"A6_stopped_by_signal", 8},             // a second signal quit without a word
    {"A8_error_at_failpoint", 3},            // an error between two steps ended the run without a word on what is safe
};

std::vector<std::uint64_t> kept_seeds() {
  std::vector<std::uint64_t> all;
  for (const auto& [name, number] : kept) all.push_back(seed_of(*find_kind(name), number));
  return all;
}

INSTANTIATE_TEST_SUITE_P(Kept, Played, testing::ValuesIn(kept_seeds()), play_name);

}  // namespace
}  // namespace pghaul::test
