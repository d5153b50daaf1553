// Killed at random moments, again during the resume, stopped, asleep.
#include "fault/plays.h"

namespace pghaul::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Process, Played,
                         testing::ValuesIn(seeds({{"A2_killed_at_random", 1, 15},
                                                  {"A3_killed_again_during_resume", 1, 4},
                                                  {"A6_stopped_by_signal", 1, 8},
                                                  {"A6_stopped_by_deadline", 1, 3},
                                                  {"A7_asleep_for_a_while", 1, 4},
                                                  {"A8_error_at_failpoint", 1, 12},
                                                  {"A8_hung_at_failpoint", 1, 6}})),
                         play_name);

}  // namespace
}  // namespace pghaul::test
