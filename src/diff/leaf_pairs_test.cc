#include "diff/leaf_pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pghaul {
namespace {

using catalog::LeafPath;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

LeafPath leaf(std::uint32_t oid, const std::string& name, const std::string& path) {
  return {oid, {"public", name}, path};
}
auto named(const std::string& name) {
  return Field(&catalog::TableName::name, name);
}

TEST(LeafPairs, AreOfOnePath) {
  const auto pairs =
      pair_leaves({leaf(1, "a", "A"), leaf(2, "b", "B")}, {leaf(8, "y", "B"), leaf(9, "x", "A")});
  EXPECT_TRUE(pairs.all());
  EXPECT_EQ(pairs.target_of.at(1).oid, 9);
  EXPECT_EQ(pairs.target_of.at(2).oid, 8);
  const ChunkRange range{ChunkKind::key, "1", "5", {}, ChunkMember{2, "public.b"}};
  const ChunkRange there{ChunkKind::key, "1", "5", {}, ChunkMember{8, "public.y"}};
  EXPECT_EQ(pairs.on_target(range), there);
  EXPECT_EQ(pairs.on_target({}), ChunkRange{});
}

TEST(LeafPairs, WhatIsNotKnownHasNoPartner) {
  const auto pairs = pair_leaves({leaf(1, "a", "A"), leaf(2, "b", "B"), leaf(3, "c", "")},
                                 {leaf(9, "x", "A"), leaf(8, "y", ""), leaf(7, "z", "Z")});
  EXPECT_FALSE(pairs.all());
  EXPECT_EQ(pairs.target_of.size(), 1);
  EXPECT_THAT(pairs.source_rest, ElementsAre(named("b"), named("c")));
  EXPECT_THAT(pairs.target_rest, UnorderedElementsAre(named("y"), named("z")));
}

TEST(LeafPairs, NoLeavesAreNoPairs) {
  EXPECT_FALSE(pair_leaves({}, {}).all());
  const auto pairs = pair_leaves({}, {leaf(1, "a", "A")});
  EXPECT_FALSE(pairs.all());
  EXPECT_THAT(pairs.target_of, IsEmpty());
}

TEST(LeafPairs, IdentityTellsEachChange) {
  const auto both = pair_leaves({leaf(1, "a", "A")}, {leaf(9, "x", "A")}).identity();
  EXPECT_NE(both, pair_leaves({leaf(1, "a", "A")}, {leaf(8, "x", "A")}).identity());
  EXPECT_NE(both, pair_leaves({leaf(1, "a", "A")}, {leaf(9, "x", "B")}).identity());
  EXPECT_NE(pair_leaves({leaf(1, "a", "A")}, {}).identity(), pair_leaves({}, {leaf(1, "a", "A")}).identity());
}

}  // namespace
}  // namespace pghaul
