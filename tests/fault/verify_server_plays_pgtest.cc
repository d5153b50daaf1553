// Comparisons whose lines are cut, and whose servers crash, end sessions or have no room.
#include "fault/plays.h"

namespace pghaul::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Server, Played,
                         testing::ValuesIn(seeds({{"verify_B1_cut_in_startup", 1, 1},
                                                  {"verify_B2_cut_at_place_of_source", 1, 3},
                                                  {"verify_B2_cut_at_byte_of_source", 1, 3},
                                                  {"verify_B3_cut_at_place_of_target", 1, 3},
                                                  {"verify_B3_cut_at_byte_of_target", 1, 3},
                                                  {"verify_B12_connections_die_at_random", 1, 1},
                                                  {"verify_C1_source_crash", 1, 1},
                                                  {"verify_C2_target_crash", 1, 1},
                                                  {"verify_C6_sessions_terminated", 1, 2},
                                                  {"verify_C6_queries_cancelled", 1, 1},
                                                  {"ledger_A2_killed_at_random", 1, 1},
                                                  {"ledger_B3_cut_at_byte_of_target", 1, 1}})),
                         play_name);

}  // namespace
}  // namespace pghaul::test
