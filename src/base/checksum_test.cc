#include "base/checksum.h"

#include <gtest/gtest.h>

#include "pghaul/error.h"

namespace pghaul {
namespace {

RowChecksum of(std::initializer_list<std::pair<std::uint64_t, std::uint64_t>> rows) {
  RowChecksum checksum;
  for (const auto& [low, high] : rows) checksum.add(low, high);
  return checksum;
}

TEST(RowChecksum, OrderDoesNotMatter) {
  EXPECT_EQ(of({{1, 2}, {3, 4}, {5, 6}}), of({{5, 6}, {1, 2}, {3, 4}}));
  EXPECT_NE(of({{1, 2}, {3, 4}}), of({{1, 4}, {3, 3}}));
}

TEST(RowChecksum, PartsAddUp) {
  auto sum = of({{~0ULL, 7}});
  sum.add(of({{1, 0}, {2, 9}}));
  EXPECT_EQ(sum, of({{2, 9}, {1, 0}, {~0ULL, 7}}));
}

TEST(RowChecksum, ADoubledRowShows) {
  EXPECT_NE(of({{1, 2}, {1, 2}}), of({}));
  EXPECT_NE(of({{1, 2}, {1, 2}, {1, 2}}), of({{1, 2}}));
}

TEST(RowChecksum, CarriesBetweenHalves) {
  EXPECT_EQ(of({{~0ULL, 0}, {1, 0}}).hex(), "00000000000000010000000000000000");
}

TEST(RowChecksum, HexGoesThereAndBack) {
  EXPECT_EQ(RowChecksum{}.hex(), "00000000000000000000000000000000");
  const auto checksum = of({{0x0123456789abcdef, 0xfedcba9876543210}});
  EXPECT_EQ(checksum.hex(), "fedcba98765432100123456789abcdef");
  EXPECT_EQ(RowChecksum::from_hex(checksum.hex()), checksum);
}

TEST(RowChecksum, RefusesOtherTexts) {
  for (const std::string text : {"", "12", "g0000000000000000000000000000000", "0000000000000000000000000000000 ",
                                 "-0000000000000000000000000000001", "000000000000000000000000000000000"}) {
    EXPECT_THROW(RowChecksum::from_hex(text), Error) << text;
  }
}

}  // namespace
}  // namespace pghaul
