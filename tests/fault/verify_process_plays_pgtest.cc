// Comparisons that are killed, stopped or asleep, with equal tables and with others.
#include "base/failpoint.h"
#include "fault/plays.h"

namespace pghaul::test {
namespace {

// Each failpoint with equal tables and with others.
INSTANTIATE_TEST_SUITE_P(Process, Played,
                         testing::ValuesIn(seeds({{"verify_A1_killed_at_failpoint", 0,
                                                   2 * verify_failpoint_names().size() - 1},
                                                  {"verify_A2_killed_at_random", 1, 2},
                                                  {"verify_A3_killed_again_during_resume", 1, 1},
                                                  {"verify_A6_stopped_by_signal", 1, 2},
                                                  {"verify_A6_stopped_by_deadline", 1, 2},
                                                  {"verify_A8_hung_at_failpoint", 1, 1}})),
                         play_name);

}  // namespace
}  // namespace pghaul::test
