#include "pipeline/even_cuts.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pghaul {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t steps_per_batch = 4;

// The keys at steps 1, 2, …, n.
std::vector<std::string> steps(std::size_t n) {
  std::vector<std::string> keys;
  for (std::size_t i = 1; i <= n; ++i) keys.push_back(std::to_string(i));
  return keys;
}

// Steps between the cuts, the first and the last piece included.
std::vector<std::size_t> pieces(std::size_t n, bool complete) {
  std::vector<std::size_t> sizes;
  std::size_t before = 0;
  for (const auto& cut : even_cuts(steps(n), steps_per_batch, complete)) {
    sizes.push_back(std::stoul(cut) - before);
    before = std::stoul(cut);
  }
  if (complete) sizes.push_back(n + 1 - before);
  return sizes;
}

TEST(EvenCuts, ARangeOfABatchIsNotCut) {
  EXPECT_THAT(even_cuts({}, steps_per_batch, true), IsEmpty());
  EXPECT_THAT(even_cuts(steps(3), steps_per_batch, true), IsEmpty());
}

TEST(EvenCuts, ALittleMoreThanABatchIsTwoHalvesAndNotACrumb) {
  EXPECT_THAT(even_cuts(steps(4), steps_per_batch, true), ElementsAre("2"));
  EXPECT_THAT(pieces(4, true), ElementsAre(2, 3));
}

TEST(EvenCuts, PiecesDifferByOneStepAtMostAndHoldABatchAtMost) {
  for (std::size_t n = 0; n <= 200; ++n) {
    SCOPED_TRACE(n);
    const auto sizes = pieces(n, true);
    const auto [least, most] = std::minmax_element(sizes.begin(), sizes.end());
    EXPECT_LE(*most - *least, 1u);
    EXPECT_LE(*most, steps_per_batch);
    EXPECT_GE(*least, 1u);
    EXPECT_EQ(sizes.size(), n / steps_per_batch + 1);  // and there are no more of them than needed
  }
}

TEST(EvenCuts, WhatLiesBehindTheLastProbeIsAPieceOfItsOwn) {
  const auto cuts = even_cuts(steps(64), steps_per_batch, false);
  ASSERT_EQ(cuts.size(), 16u);
  EXPECT_EQ(cuts.front(), "4");
  EXPECT_EQ(cuts.back(), "64");
  for (const auto size : pieces(64, false)) EXPECT_EQ(size, steps_per_batch);
}

TEST(EvenCuts, AnIncompleteRangeIsCutAtItsLastKeyWhateverItsNumber) {
  for (std::size_t n = 1; n <= 100; ++n) {
    SCOPED_TRACE(n);
    EXPECT_EQ(even_cuts(steps(n), steps_per_batch, false).back(), std::to_string(n));
    for (const auto size : pieces(n, false)) EXPECT_LE(size, steps_per_batch);
  }
}

}  // namespace
}  // namespace pghaul
