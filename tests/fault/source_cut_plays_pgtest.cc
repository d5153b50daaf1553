// The line to the source is cut at 60 chosen messages.
#include "fault/plays.h"

namespace pghaul::test {
namespace {

INSTANTIATE_TEST_SUITE_P(SourceCut, Played,
                         testing::ValuesIn(seeds({{"B2_cut_at_place_of_source", 0, 59},
                                                  {"B2_cut_at_byte_of_source", 1, 3}})),
                         play_name);

}  // namespace
}  // namespace pghaul::test
