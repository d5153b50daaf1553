// Killed at every failpoint, each with three workloads.
#include "base/failpoint.h"
#include "fault/plays.h"

namespace pghaul::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Kill, Played,
                         testing::ValuesIn(seeds({{"A1_killed_at_failpoint", 0, 3 * copy_failpoint_names().size() - 1}})),
                         play_name);

}  // namespace
}  // namespace pghaul::test
