#include "diff/digest.h"

#include <gmock/gmock.h>

#include "pghaul/error.h"

namespace pghaul {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto lines = "0\t5\t100\t-17\t99999999999999999999\n3\t1\t20\t1\t2\n";

TEST(Digest, IsMadeOfLines) {
  const auto digest = parse_digest(lines);
  EXPECT_EQ(digest.at(0), (BucketDigest{5, 100, "-17\t99999999999999999999"}));
  EXPECT_EQ(digest.at(3), (BucketDigest{1, 20, "1\t2"}));
  EXPECT_EQ(rows_of(digest), 6);
  EXPECT_EQ(bytes_of(digest), 120);
}

TEST(Digest, OfNoRows) {
  EXPECT_THAT(parse_digest(""), IsEmpty());
}

TEST(Digest, UnequalBuckets) {
  const auto digest = parse_digest(lines);
  EXPECT_THAT(unequal_buckets(digest, digest), IsEmpty());
  EXPECT_THAT(unequal_buckets(digest, parse_digest("0\t5\t100\t-17\t99999999999999999998\n3\t1\t20\t1\t2\n")),
              ElementsAre(0));
  EXPECT_THAT(unequal_buckets(digest, parse_digest("0\t5\t100\t-17\t99999999999999999999\n7\t1\t20\t1\t2\n")),
              ElementsAre(3, 7));
  EXPECT_THAT(unequal_buckets({}, digest), ElementsAre(0, 3));
}

TEST(Digest, WhatIsNoneIsRefused) {
  for (const auto* const text :
       {"0", "0\t5\n", "x\t5\t100\t1\t2\n", "0\t\t1\t1\t2\n", "0\t5x\t1\t1\t2\n", "0\t5\t1\t1\t2"}) {
    EXPECT_THROW(parse_digest(text), Error) << text;
  }
}

}  // namespace
}  // namespace pghaul
