// Two processes for one copy: 30 races, and owners that wake too late.
#include "fault/plays.h"

namespace pghaul::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Owner, Played,
                         testing::ValuesIn(seeds({{"J1_two_starts", 1, 30},
                                                  {"J2_split_brain", 1, 8},
                                                  {"J2_take_over_again_and_again", 1, 4}})),
                         play_name);

}  // namespace
}  // namespace pghaul::test
