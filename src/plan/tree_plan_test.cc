// Plans of tables whose rows are in several.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/planner.h"
#include "pghaul/error.h"

namespace pghaul {
namespace {

using testing::HasSubstr;

TableFacts facts_of(std::int64_t bytes) {
  TableFacts facts;
  facts.bytes = bytes;
  facts.rows = static_cast<double>(bytes) / 100;
  facts.pages = bytes / 8192;
  return facts;
}

TableFacts with_key(TableFacts facts, std::vector<std::int64_t> histogram = {}) {
  facts.key = KeyFacts{};
  facts.key->column = "id";
  if (!histogram.empty()) facts.key->lowest = histogram.front();
  if (!histogram.empty()) facts.key->highest = histogram.back();
  facts.key->histogram = std::move(histogram);
  return facts;
}

TableFacts with_ordered_key(TableFacts facts) {
  facts.ordered_key = OrderedKeyFacts{"(a, b)", {}, std::nullopt};
  return facts;
}

PlanOptions batches_of(std::int64_t bytes) {
  PlanOptions options;
  options.batch_bytes = bytes;
  return options;
}

MemberFacts member(std::uint32_t oid, TableFacts facts) { return {{oid, "public.t_" + std::to_string(oid)}, std::move(facts)}; }

PlanRange up_to(std::int64_t high_water) { return {std::nullopt, high_water, false}; }

// "oid: range", for each chunk; a dash for those of the whole table.
std::vector<std::string> texts(const std::vector<Chunk>& chunks) {
  std::vector<std::string> all;
  for (auto chunk : chunks) {
    const auto from = chunk.range.member ? std::to_string(chunk.range.member->oid) : "-";
    chunk.range.member.reset();
    all.push_back(from + ": " + describe(chunk.range, "id") + (chunk.tail ? " tail" : "") + (chunk.replace ? " replace" : ""));
  }
  return all;
}

// Each member from the bottom up to the mark; what is above it, and has no key, is one for all of them.
TEST(TreePlan, AnIntegerKey) {
  auto whole = with_key(facts_of(3000), {1, 100, 200});
  whole.key->nullable = true;
  const auto plan = make_tree_plan(whole, {member(7, with_key(facts_of(1000))), member(8, with_key(facts_of(0)))},
                                   batches_of(2000), up_to(200));
  EXPECT_THAT(texts(plan.chunks),
              testing::ElementsAre("7: id < 201", "8: id < 201", "-: id >= 201 tail", "-: id is null"));
  EXPECT_THAT(plan.reason, HasSubstr("integer key id: 2 ranges in 2 tables"));
}

TEST(TreePlan, LargeMembersAreCutByTheirOwnStatistics) {
  const auto plan = make_tree_plan(
      with_key(facts_of(200'000)),
      {member(7, with_key(facts_of(160'000), {0, 10, 20, 30, 40})), member(8, with_key(facts_of(900)))}, batches_of(10'000),
      up_to(1000));
  EXPECT_THAT(texts(plan.chunks), testing::ElementsAre("7: id < 10", "7: id in [10, 20)", "7: id in [20, 30)",
                                                       "7: id in [30, 1001)", "8: id < 1001", "-: id >= 1001 tail"));
}

// The size of its files is a bound that no statistics need to confirm; a number of rows is none.
TEST(TreePlan, SmallMembersNeedNoProbe) {
  const auto whole = with_key(facts_of(100'000));
  const std::vector<MemberFacts> members{member(7, with_key(facts_of(1000))), member(8, with_key(facts_of(50'000)))};
  const auto plan = make_tree_plan(whole, members, batches_of(10'000), up_to(9));
  EXPECT_TRUE(plan.chunks.at(0).refined);
  EXPECT_FALSE(plan.chunks.at(1).refined);
  auto by_rows = batches_of(10'000);
  by_rows.batch_rows = 5;
  EXPECT_FALSE(make_tree_plan(whole, members, by_rows, up_to(9)).chunks.at(0).refined);
}

// A range of keys of the target is emptied once, so rows of all members have to come behind it.
TEST(TreePlan, LaterRoundsReadAllMembersAtOnce) {
  const PlanRange gain{200, 300, true};
  const auto plan = make_tree_plan(with_key(facts_of(3000)), {member(7, with_key(facts_of(1000)))}, batches_of(2000), gain);
  EXPECT_THAT(texts(plan.chunks), testing::ElementsAre("-: id in [201, 301) replace", "-: id >= 301 tail replace"));
}

TEST(TreePlan, OneWayForAllMembers) {
  const auto small = facts_of(3000);
  EXPECT_THAT(texts(make_tree_plan(small, {member(7, facts_of(1000))}, batches_of(3000), {}).chunks),
              testing::ElementsAre("-: all rows tail"));
  const auto pages = make_tree_plan(facts_of(30'000), {member(7, facts_of(20'000)), member(8, facts_of(10'000))},
                                    batches_of(16'384), {});
  EXPECT_THAT(texts(pages.chunks), testing::ElementsAre("7: pages [0, 1)", "7: pages from 1", "8: pages from 0"));
  const auto keys = make_tree_plan(with_ordered_key(facts_of(30'000)),
                                   {member(7, with_ordered_key(facts_of(20'000))), member(8, with_ordered_key(facts_of(9)))},
                                   batches_of(10'000), {});
  EXPECT_THAT(texts(keys.chunks), testing::ElementsAre("7: every id", "8: every id"));
  EXPECT_THAT(keys.reason, HasSubstr("key (a, b): 2 ranges in 2 tables"));
}

TEST(TreePlan, NoMembersYet) {
  EXPECT_THAT(texts(make_tree_plan(facts_of(0), {}, batches_of(3000), {}).chunks), testing::ElementsAre("-: all rows tail"));
  EXPECT_THAT(texts(make_tree_plan(with_key(facts_of(0)), {}, batches_of(3000), {}).chunks),
              testing::ElementsAre("-: every id tail"));
}

// Merged by key, and never rows without one.
TEST(TreePlan, MembersThatJoined) {
  const auto chunks = joined_member_chunks(member(7, with_key(facts_of(160'000), {0, 10, 20, 30, 40})), batches_of(10'000), 25);
  EXPECT_THAT(texts(chunks), testing::ElementsAre("7: late rows of id < 10", "7: late rows of id in [10, 20)",
                                                  "7: late rows of id in [20, 26)"));
  for (const auto& chunk : chunks) EXPECT_TRUE(chunk.refined && !chunk.replace && !chunk.range.since);
  const auto all = joined_member_chunks(member(7, with_key(facts_of(10))), batches_of(10'000), INT64_MAX);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_TRUE(all[0].range.lower || all[0].range.upper);
}

TEST(TreePlan, ChildrenOfASplitKeepTheMember) {
  Chunk parent;
  parent.range = {ChunkKind::key, std::nullopt, "100", std::nullopt, ChunkMember{7, "public.t_7"}};
  for (const auto& child : split_at(parent, {"10", "50"})) EXPECT_EQ(child.range.member, parent.range.member);
  EXPECT_EQ(describe(parent.range, "id"), "id < 100 of public.t_7");
}

}  // namespace
}  // namespace pghaul
