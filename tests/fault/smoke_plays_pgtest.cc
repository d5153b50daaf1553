// A few seeds of each kind: what the sanitizers' builds run.
#include "fault/plays.h"

namespace pghaul::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Smoke, Played,
                         testing::ValuesIn(seeds({{"A1_killed_at_failpoint", 1001, 1003},
                                                  {"A2_killed_at_random", 1001, 1002},
                                                  {"A6_stopped_by_signal", 1001, 1003},
                                                  {"A8_error_at_failpoint", 1001, 1006},
                                                  {"B1_cut_in_startup", 1001, 1002},
                                                  {"B2_source_cut", 1001, 1003},
                                                  {"B3_target_cut", 1001, 1003},
                                                  {"B4_commit_unknown", 1001, 1003},
                                                  {"B12_connections_die_at_random", 1001, 1001},
                                                  {"C1_source_crash", 1001, 1001},
                                                  {"C2_target_crash", 1001, 1001},
                                                  {"C6_sessions_terminated", 1001, 1002},
                                                  {"C6_queries_cancelled", 1001, 1001},
                                                  {"E2_lock_on_source", 1001, 1001},
                                                  {"E3_passing_errors", 1001, 1001},
                                                  {"F1_snapshots_lost", 1001, 1001},
                                                  {"F2_writer_changes_rows", 1001, 1001},
                                                  {"F4_truncated", 1001, 1001},
                                                  {"J1_two_starts", 1001, 1001},
                                                  {"J2_split_brain", 1001, 1002},
                                                  {"verify_A1_killed_at_failpoint", 1001, 1002},
                                                  {"verify_A2_killed_at_random", 1001, 1002},
                                                  {"verify_A6_stopped_by_deadline", 1001, 1001},
                                                  {"verify_B2_cut_at_byte_of_source", 1001, 1001},
                                                  {"verify_B3_cut_at_byte_of_target", 1002, 1002},
                                                  {"verify_C6_sessions_terminated", 1002, 1002},
                                                  {"ledger_A6_stopped_by_deadline", 1001, 1002}})),
                         play_name);

}  // namespace
}  // namespace pghaul::test
