// Comparisons that are killed at random or stopped, whose lines are cut, and whose servers crash or end sessions.
#include "fault/plays.h"

namespace pghaul::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Verify, Played,
                         testing::ValuesIn(seeds({{"verify_A2_killed_at_random", 1, 2},
                                                  {"verify_A3_killed_again_during_resume", 1, 1},
                                                  {"verify_A6_stopped_by_signal", 1, 2},
                                                  {"verify_A6_stopped_by_deadline", 1, 2},
                                                  {"verify_A8_hung_at_failpoint", 1, 1},
                                                  {"verify_B1_cut_in_startup", 1, 1},
                                                  {"verify_B2_cut_at_place_of_source", 1, 2},
                                                  {"verify_B2_cut_at_byte_of_source", 1, 3},
                                                  {"verify_B3_cut_at_place_of_target", 1, 2},
                                                  {"verify_B3_cut_at_byte_of_target", 1, 3},
                                                  {"verify_B12_connections_die_at_random", 1, 1},
                                                  {"verify_C1_source_crash", 1, 1},
                                                  {"verify_C2_target_crash", 2, 2},
                                                  {"verify_C6_sessions_terminated", 1, 2},
                                                  {"verify_C6_queries_cancelled", 1, 1},
                                                  {"ledger_A2_killed_at_random", 1, 1},
                                                  {"ledger_B3_cut_at_byte_of_target", 1, 1}})),
                         play_name);

}  // namespace
}  // namespace pghaul::test
