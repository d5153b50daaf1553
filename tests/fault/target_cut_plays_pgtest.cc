// The line to the target is cut at 60 chosen messages.
#include "fault/plays.h"

namespace pghaul::test {
namespace {

INSTANTIATE_TEST_SUITE_P(TargetCut, Played,
                         testing::ValuesIn(seeds({{"B3_cut_at_place_of_target", 0, 59},
                                                  {"B3_cut_at_byte_of_target", 1, 3}})),
                         play_name);

}  // namespace
}  // namespace pghaul::test
