// Servers crash, end sessions, run out of connections, lock us out.
#include "fault/plays.h"

namespace pghaul::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Server, Played,
                         testing::ValuesIn(seeds({{"C1_source_crash", 1, 5},
                                                  {"C2_target_crash", 1, 5},
                                                  {"C3_target_loses_commits", 1, 4},
                                                  {"C3_target_crash_after_success", 1, 3},
                                                  {"C4_backend_killed", 1, 3},
                                                  {"C6_sessions_terminated", 1, 8},
                                                  {"C6_queries_cancelled", 1, 4},
                                                  {"C14_few_connections", 1, 5},
                                                  {"C16_role_locked", 1, 4},
                                                  {"E2_lock_on_source", 1, 4},
                                                  {"E3_passing_errors", 1, 5}})),
                         play_name);

}  // namespace
}  // namespace pghaul::test
