#include "plan/key_bound.h"

#include <gtest/gtest.h>

#include "pghaul/error.h"
#include "plan/planner.h"

namespace pghaul {
namespace {

TEST(KeyBound, IsAnArrayOfStrings) {
  EXPECT_EQ(encode_bound({"7", "2020-01-01"}), R"(["7","2020-01-01"])");
  EXPECT_EQ(encode_bound({R"(a"b\c)"}), R"(["a\"b\\c"])");
  EXPECT_EQ(encode_bound({"tab\tline\n\x7f"}), R"(["tab\u0009line\u000a\u007f"])");
  EXPECT_EQ(encode_bound({"Größe €"}), R"(["Größe €"])");
  EXPECT_EQ(encode_bound({""}), R"([""])");
}

TEST(KeyBound, BytesThatAreNoUtf8AreEscaped) {
  EXPECT_EQ(encode_bound({"\xfc"}), R"(["\u00fc"])");
  EXPECT_EQ(encode_bound({"\xc3"}), R"(["\u00c3"])") << "cut off";
  EXPECT_EQ(encode_bound({"\xc0\x80"}), R"(["\u00c0\u0080"])") << "too long a form";
  EXPECT_EQ(encode_bound({"\xed\xa0\x80"}), R"(["\u00ed\u00a0\u0080"])") << "half of a pair";
  EXPECT_EQ(encode_bound({"\xf4\x90\x80\x80"}), R"(["\u00f4\u0090\u0080\u0080"])")
      << "beyond the last character";
}

TEST(KeyBound, EveryByteAndEveryPairComesBack) {
  for (int first = 1; first < 256; ++first) {
    for (int second = 1; second < 256; ++second) {
      const KeyBound bound{{static_cast<char>(first), static_cast<char>(second)}, ",", "]"};
      ASSERT_EQ(decode_bound(encode_bound(bound)), bound) << first << " " << second;
    }
  }
}

TEST(KeyBound, OthersAreRefused) {
  for (const char* text : {"", "7", "[", "[]", "[\"a\"", "[\"a", "[\"a\"]x", "[\"a\",]", "[a]", R"(["\n"])",
                           R"(["\u12"])", R"(["\u0100"])", R"(["\u00g0"])"}) {
    EXPECT_THROW(decode_bound(text), Error) << text;
  }
}

TEST(KeyBound, IsToldFromANumber) {
  EXPECT_TRUE(is_encoded_bound(encode_bound({"7"})));
  EXPECT_FALSE(is_encoded_bound("-7"));
}

TEST(KeyBound, ShowsOnOneLine) {
  EXPECT_EQ(show_bound(R"(["7"])"), "7");
  EXPECT_EQ(show_bound(R"(["7","a b"])"), R"((7, "a b"))");
  EXPECT_EQ(show_bound(R"(["a\u000ab"])"), R"("a\u000ab")");
  EXPECT_EQ(show_bound(encode_bound({std::string(100, 'x')})), std::string(60, 'x') + "…");
  EXPECT_EQ(show_bound(encode_bound({std::string(59, 'x') + "€€"})), std::string(59, 'x') + "…");
}

ChunkRange range(std::optional<std::string> lower, std::optional<std::string> upper) {
  return {ChunkKind::key, std::move(lower), std::move(upper), std::nullopt};
}

TEST(KeyBound, DescribesRanges) {
  EXPECT_EQ(describe(range(R"(["7","a"])", R"(["8"])"), "(tenant, name)"), "(tenant, name) in [(7, a), 8)");
  EXPECT_EQ(describe(range(R"([""])", {}), "id"), R"(id >= "")");
  EXPECT_EQ(describe(range({}, {}), "id"), "every id");
}

TEST(KeyBound, SplitsLeaveTheOrderToTheSource) {
  Chunk parent;
  parent.range = range(R"(["b"])", R"(["y"])");
  const auto children = split_at(parent, {R"(["zebra"])", R"(["A"])"});
  ASSERT_EQ(children.size(), 3U);
  EXPECT_EQ(children[0].range, range(R"(["b"])", R"(["zebra"])"));
  EXPECT_EQ(children[2].range, range(R"(["A"])", R"(["y"])"));
  EXPECT_THROW(split_at(parent, {R"(["b"])"}), Error);
  EXPECT_THROW(split_at(parent, {R"(["y"])"}), Error);
  EXPECT_THROW(split_at(parent, {R"(["c"])", R"(["c"])"}), Error);
  EXPECT_THROW(split_at(parent, {R"(["c"])", "7"}), Error);
  parent.range.kind = ChunkKind::ctid;
  EXPECT_THROW(split_at(parent, {R"(["c"])"}), Error);
}

TableFacts facts_of(int points, std::int64_t bytes) {
  TableFacts facts;
  facts.bytes = bytes;
  facts.rows = 1'000'000;
  facts.ordered_key = OrderedKeyFacts{"id", {}, {}};
  for (int i = 0; i < points; ++i) {
    facts.ordered_key->points.push_back(
        {encode_bound({std::to_string(i)}), i + 1 < points ? 1.0 / (points - 1) : 0.0});
  }
  return facts;
}

TEST(PlanByOrderedKey, RangesAreFourBatchesLarge) {
  auto facts = facts_of(101, 800'000'000);
  const Plan plan = make_plan(facts, {}, {});
  ASSERT_EQ(plan.chunks.size(), 25U);
  EXPECT_EQ(describe(plan.chunks[0].range, "id"), "id < 4");
  EXPECT_EQ(describe(plan.chunks[1].range, "id"), "id in [4, 8)");
  EXPECT_EQ(describe(plan.chunks[24].range, "id"), "id >= 96");
  for (const auto& chunk : plan.chunks) {
    EXPECT_NEAR(static_cast<double>(chunk.estimated_bytes), 32e6, 1e5);
    EXPECT_FALSE(chunk.refined || chunk.tail || chunk.replace);
  }
  EXPECT_EQ(plan.reason,
            "key id: 25 ranges from 101 known values, about 32.0 MB each, cut to about 8.0 MB when claimed");
  facts.ordered_key->correlation = -0.02;
  const auto reason = make_plan(facts, {}, {}).reason;
  EXPECT_NE(reason.find("not in the order of this key (correlation -0.02)"), std::string::npos) << reason;
  EXPECT_NE(reason.find("--chunk-by ctid"), std::string::npos) << reason;
}

// One value that half the rows have is one range: a bound inside it is for the probes to find.
TEST(PlanByOrderedKey, AFrequentValueIsARangeOfItsOwn) {
  auto facts = facts_of(0, 800'000'000);
  facts.ordered_key->points = {
      {R"(["1"])", 0.125}, {R"(["2"])", 0.125}, {R"(["7"])", 0.5}, {R"(["8"])", 0.25}};
  const Plan plan = make_plan(facts, {}, {});
  ASSERT_EQ(plan.chunks.size(), 4U);
  EXPECT_EQ(describe(plan.chunks[2].range, "id"), "id in [7, 8)");
  EXPECT_EQ(plan.chunks[2].estimated_bytes, 400'000'000);
}

TEST(PlanByOrderedKey, WithoutStatisticsItIsOneRange) {
  const Plan plan = make_plan(facts_of(0, 800'000'000), {}, {});
  ASSERT_EQ(plan.chunks.size(), 1U);
  EXPECT_EQ(plan.chunks[0].range, range({}, {}));
  EXPECT_EQ(plan.chunks[0].estimated_bytes, 800'000'000);
  EXPECT_EQ(plan.reason, "key id: 1 range without statistics, about 800.0 MB, cut by probes when claimed");
}

TEST(PlanByOrderedKey, SmallTablesAreReplacedAsAWhole) {
  const Plan plan = make_plan(facts_of(101, 8'000'000), {}, {std::nullopt, std::nullopt, true});
  ASSERT_EQ(plan.chunks.size(), 1U);
  EXPECT_EQ(plan.chunks[0].range.kind, ChunkKind::whole);
  EXPECT_TRUE(plan.chunks[0].replace);
  EXPECT_EQ(plan.reason,
            "the key id tells no new rows from old, and the table is small: all of 8.0 MB at once");
  PlanOptions options;
  options.chunk_by = ChunkBy::key;
  EXPECT_EQ(make_plan(facts_of(101, 8'000'000), options, {}).chunks[0].range.kind, ChunkKind::key);
}

TEST(PlanByOrderedKey, RangesReplaceNothing) {
  EXPECT_THROW(make_plan(facts_of(101, 800'000'000), {}, {std::nullopt, std::nullopt, true}), Error);
}

TEST(PlanByOrderedKey, PagesMayBeAskedForAndSayWhyThereIsNoKey) {
  PlanOptions options;
  options.chunk_by = ChunkBy::ctid;
  auto facts = facts_of(101, 80'000'000);
  facts.pages = 10'000;
  EXPECT_EQ(make_plan(facts, options, {}).reason, "asked for: 10 page ranges inside one snapshot");
  facts.ordered_key.reset();
  facts.no_key = "k: column a may be NULL";
  EXPECT_EQ(make_plan(facts, {}, {}).reason,
            "no usable key: 10 page ranges inside one snapshot (k: column a may be NULL)");
}

}  // namespace
}  // namespace pghaul
