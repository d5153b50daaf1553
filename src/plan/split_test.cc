#include <gtest/gtest.h>

#include "pghaul/error.h"
#include "plan/planner.h"

namespace pghaul {
namespace {

ChunkRange keys(std::optional<std::string> lower, std::optional<std::string> upper) {
  return {ChunkKind::key, std::move(lower), std::move(upper), std::nullopt};
}
ChunkRange pages(std::optional<std::string> lower, std::optional<std::string> upper) {
  return {ChunkKind::ctid, std::move(lower), std::move(upper), std::nullopt};
}

Chunk parent_of(ChunkRange range) {
  Chunk chunk;
  chunk.no = 7;
  chunk.round = 3;
  chunk.range = std::move(range);
  chunk.tail = chunk.replace = true;
  chunk.estimated_bytes = 100;
  chunk.estimated_rows = 11;
  chunk.failed_attempts = 2;
  return chunk;
}

TEST(SplitAt, ChildrenAreExactlyTheParent) {
  const auto children = split_at(parent_of(keys(std::nullopt, "50")), {"-5", "10"});
  ASSERT_EQ(children.size(), 3U);
  EXPECT_EQ(children[0].range, keys(std::nullopt, "-5"));
  EXPECT_EQ(children[1].range, keys("-5", "10"));
  EXPECT_EQ(children[2].range, keys("10", "50"));
  for (const Chunk& child : children) {
    EXPECT_EQ(child.no, 0);
    EXPECT_EQ(child.parent, 7);
    EXPECT_EQ(child.round, 3);
    EXPECT_TRUE(child.tail && child.replace);
    EXPECT_EQ(child.failed_attempts, 0);
  }
  EXPECT_EQ(children[0].estimated_rows + children[1].estimated_rows + children[2].estimated_rows, 11);
  EXPECT_EQ(children[0].estimated_bytes + children[1].estimated_bytes + children[2].estimated_bytes, 100);
}

TEST(SplitAt, PagesAndTheEndsOfBigint) {
  EXPECT_EQ(split_at(parent_of(pages("0", std::nullopt)), {"8"})[1].range, pages("8", std::nullopt));
  const auto children = split_at(parent_of(keys("-9223372036854775808", std::nullopt)), {"9223372036854775807"});
  EXPECT_EQ(children[1].range, keys("9223372036854775807", std::nullopt));
}

TEST(SplitAt, RefusesCutsThatAreNotInside) {
  const Chunk parent = parent_of(keys("1", "50"));
  EXPECT_THROW(split_at(parent, {"1"}), Error);
  EXPECT_THROW(split_at(parent, {"50"}), Error);
  EXPECT_THROW(split_at(parent, {"9", "10", "10"}), Error);
  EXPECT_THROW(split_at(parent, {"11", "10"}), Error);
  EXPECT_THROW(split_at(parent, {"ten"}), Error);
  EXPECT_THROW(split_at(parent, {"9223372036854775808"}), Error);
  EXPECT_THROW(split_at(parent_of({}), {"10"}), Error) << "the whole has no key to be cut by";
}

TEST(Midpoint, OfClosedRanges) {
  EXPECT_EQ(midpoint(keys("10", "20"), 0, 0), "15");
  EXPECT_EQ(midpoint(keys("10", "12"), 0, 0), "11");
  EXPECT_EQ(midpoint(keys("10", "11"), 0, 0), std::nullopt);
  EXPECT_EQ(midpoint(keys("-11", "-8"), 0, 0), "-10");
  EXPECT_EQ(midpoint(pages("0", "9"), 0, 0), "4");
}

TEST(Midpoint, OpenEndsReachToTheKnownKeys) {
  EXPECT_EQ(midpoint(keys(std::nullopt, "20"), 10, 999), "15");
  EXPECT_EQ(midpoint(keys("10", std::nullopt), 0, 19), "15");
  EXPECT_EQ(midpoint(pages("10", std::nullopt), 0, 19), "15");
  EXPECT_EQ(midpoint(keys("20", std::nullopt), 0, 10), std::nullopt) << "no row is there";
  EXPECT_EQ(midpoint(keys(std::nullopt, std::nullopt), INT64_MIN, INT64_MAX), "0");
  EXPECT_EQ(midpoint(keys("9223372036854775806", std::nullopt), 0, INT64_MAX), "9223372036854775807");
  EXPECT_EQ(midpoint(keys("9223372036854775807", std::nullopt), 0, INT64_MAX), std::nullopt);
}

TEST(Midpoint, IsACutThatSplitAtTakesUntilNothingIsLeft) {
  Chunk chunk = parent_of(keys("-9223372036854775808", "9223372036854775807"));
  int halvings = 0;
  while (const auto cut = midpoint(chunk.range, 0, 0)) {
    chunk = split_at(chunk, {*cut})[0];
    ++halvings;
  }
  EXPECT_EQ(chunk.range, keys("-9223372036854775808", "-9223372036854775807"));
  EXPECT_GE(halvings, 63);
}

TEST(Midpoint, OthersCannotBeCut) {
  EXPECT_EQ(midpoint({}, 0, 100), std::nullopt);
  EXPECT_EQ(midpoint({ChunkKind::null, std::nullopt, std::nullopt, std::nullopt}, 0, 100), std::nullopt);
}

TEST(ChunkKindNames, RoundTrip) {
  for (const ChunkKind kind :
       {ChunkKind::key, ChunkKind::null, ChunkKind::ctid, ChunkKind::whole, ChunkKind::late}) {
    EXPECT_EQ(parse_chunk_kind(to_string(kind)), kind);
  }
  EXPECT_THROW(parse_chunk_kind("hash"), Error);
}

TEST(Describe, EveryKind) {
  EXPECT_EQ(describe(keys("1", "5000"), "id"), "id in [1, 5000)");
  EXPECT_EQ(describe(keys(std::nullopt, "7"), "id"), "id < 7");
  EXPECT_EQ(describe(keys("7", std::nullopt), "id"), "id >= 7");
  EXPECT_EQ(describe(keys(std::nullopt, std::nullopt), "id"), "every id");
  EXPECT_EQ(describe(pages("0", "128"), "id"), "pages [0, 128)");
  EXPECT_EQ(describe(pages("128", std::nullopt), "id"), "pages from 128");
  EXPECT_EQ(describe({ChunkKind::null, std::nullopt, std::nullopt, std::nullopt}, "id"), "id is null");
  EXPECT_EQ(describe({ChunkKind::late, std::nullopt, "7", "771"}, "id"), "late rows of id < 7");
  EXPECT_EQ(describe({}, "id"), "all rows");
}

}  // namespace
}  // namespace pghaul
