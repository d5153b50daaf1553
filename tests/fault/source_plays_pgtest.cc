// The source table changes under the copy.
#include "fault/plays.h"

namespace pghaul::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Source, Played,
                         testing::ValuesIn(seeds({{"F1_snapshots_lost", 1, 6},
                                                  {"F2_writer_changes_rows", 1, 5},
                                                  {"F2_late_commits", 1, 4},
                                                  {"F3_altered", 1, 8},
                                                  {"F4_truncated", 1, 5},
                                                  {"F4_replaced", 1, 4},
                                                  {"F5_away_for_a_while", 1, 4},
                                                  {"F7_rewritten", 1, 5}})),
                         play_name);

}  // namespace
}  // namespace pghaul::test
