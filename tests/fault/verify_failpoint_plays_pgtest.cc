// Comparisons that are killed at every failpoint, each with equal tables and with others.
#include "base/failpoint.h"
#include "fault/plays.h"

namespace pghaul::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Kill, Played,
                         testing::ValuesIn(seeds({{"verify_A1_killed_at_failpoint", 0,
                                                   2 * verify_failpoint_names().size() - 1}})),
                         play_name);

}  // namespace
}  // namespace pghaul::test
