// The line breaks in a random place, is slow, or refused.
#include "fault/plays.h"

namespace pghaul::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Network, Played,
                         testing::ValuesIn(seeds({{"B1_cut_in_startup", 1, 10},
                                                  {"B2_source_cut", 1, 8},
                                                  {"B3_target_cut", 1, 8},
                                                  {"B9_slow_peer", 1, 6},
                                                  {"B11_postmaster_stopped", 1, 4},
                                                  {"B12_connections_die_at_random", 1, 8},
                                                  {"B12_refused_for_a_while", 1, 4},
                                                  {"B15_control_session_cut", 1, 8},
                                                  {"B18_cancel_lost", 1, 3}})),
                         play_name);

}  // namespace
}  // namespace pghaul::test
