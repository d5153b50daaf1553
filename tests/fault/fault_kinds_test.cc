#include "fault/fault_kinds.h"

#include <set>

#include <gtest/gtest.h>

#include "pghaul/error.h"

namespace pghaul::test {
namespace {

// Two names with the same upper bits would be one fault.
TEST(FaultKinds, HaveSeedsOfTheirOwn) {
  std::set<std::uint64_t> seeds;
  for (const auto& kind : fault_kinds()) {
    EXPECT_TRUE(seeds.insert(seed_of(kind, 7)).second) << kind.name;
    ASSERT_NE(kind_of(seed_of(kind, 7)), nullptr);
    EXPECT_EQ(kind_of(seed_of(kind, 7))->name, kind.name);
    EXPECT_EQ(number_of(seed_of(kind, 7)), 7U);
    EXPECT_EQ(find_kind(kind.name), &kind);
  }
  EXPECT_GT(seeds.size(), 30U);
}

TEST(FaultKinds, AForeignSeedIsRefused) {
  EXPECT_EQ(kind_of(0), nullptr);
  EXPECT_THROW(play(0), Error);
}

TEST(Random, IsTheSameForTheSameSeed) {
  Random one(5), other(5), third(6);
  const auto a = one.between(0, 1'000'000'000), b = other.between(0, 1'000'000'000),
             c = third.between(0, 1'000'000'000);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  EXPECT_EQ(Random(5).stream("x").between(0, 1'000'000), one.stream("x").between(0, 1'000'000))
      << "whatever was drawn before";
  EXPECT_NE(Random(5).stream("x").between(0, 1'000'000'000), Random(5).stream("y").between(0, 1'000'000'000));
}

}  // namespace
}  // namespace pghaul::test
