// COMMITs without an answer: both real outcomes.
#include "fault/plays.h"

namespace pghaul::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Commit, Played, testing::ValuesIn(seeds({{"B4_commit_unknown", 1, 50}})), play_name);

}  // namespace
}  // namespace pghaul::test
