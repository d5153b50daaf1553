#include "source/ordered_ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "pghaul/error.h"

namespace pghaul {
namespace {

using testing::ElementsAre;

// "<", "<=" and so on in the order of the index.
catalog::OrderedColumn column(const std::string& name, bool descending = false) {
  if (descending) return {name, "int", "", true, true, ">", ">=", "=", "<=", "<", ""};
  return {name, "int", "", false, false, "<", "<=", "=", ">=", ">", ""};
}
catalog::OrderedKey key_of(std::vector<catalog::OrderedColumn> columns) {
  return {"k", true, std::move(columns)};
}
ChunkRange range(std::optional<std::string> lower, std::optional<std::string> upper) {
  return {ChunkKind::key, std::move(lower), std::move(upper), {}};
}

TEST(RangeConditions, OfOneColumn) {
  const auto key = key_of({column("a")});
  EXPECT_THAT(range_conditions(key, range(R"(["1"])", R"(["5"])")),
              ElementsAre("t.\"a\" >= '1'::int AND t.\"a\" < '5'::int"));
  EXPECT_THAT(range_conditions(key, range(R"(["1"])", {})), ElementsAre("t.\"a\" >= '1'::int"));
  EXPECT_THAT(range_conditions(key, range({}, R"(["5"])")), ElementsAre("t.\"a\" < '5'::int"));
  EXPECT_THAT(range_conditions(key, range({}, {})), ElementsAre("true"));
}

TEST(RangeConditions, OfADescendingColumn) {
  EXPECT_THAT(range_conditions(key_of({column("a", true)}), range(R"(["5"])", R"(["1"])")),
              ElementsAre("t.\"a\" <= '5'::int AND t.\"a\" > '1'::int"));
}

TEST(RangeConditions, CollationAndQuotes) {
  auto text = column("a \"b");
  text.type = "text";
  text.collation = " COLLATE pg_catalog.\"C\"";
  EXPECT_THAT(range_conditions(key_of({text}), range(R"(["it's \\ x"])", {})),
              ElementsAre(R"(t."a ""b" COLLATE pg_catalog."C" >=  E'it''s \\ x'::text)"));
}

TEST(RangeConditions, OfTwoColumns) {
  const auto key = key_of({column("a"), column("b", true)});
  EXPECT_THAT(range_conditions(key, range(R"(["1","9"])", {})),
              ElementsAre("t.\"a\" = '1'::int AND t.\"b\" <= '9'::int", "t.\"a\" > '1'::int"));
  EXPECT_THAT(range_conditions(key, range({}, R"(["1","9"])")),
              ElementsAre("t.\"a\" < '1'::int", "t.\"a\" = '1'::int AND t.\"b\" > '9'::int"));
  EXPECT_THAT(range_conditions(key, range(R"(["1","9"])", R"(["1","2"])")),
              ElementsAre("t.\"a\" = '1'::int AND t.\"b\" <= '9'::int AND t.\"b\" > '2'::int"));
}

// Whether the first values are equal is for the source to say: there is a condition for either.
TEST(RangeConditions, OtherTextMayBeTheSameValue) {
  EXPECT_THAT(
      range_conditions(key_of({column("a"), column("b")}), range(R"(["1.0","3"])", R"(["1.00","9"])")),
      ElementsAre(
          "t.\"a\" = '1.0'::int AND t.\"a\" < '1.00'::int AND t.\"b\" >= '3'::int",
          "t.\"a\" = '1.0'::int AND t.\"a\" = '1.00'::int AND t.\"b\" >= '3'::int AND t.\"b\" < '9'::int",
          "t.\"a\" > '1.0'::int AND t.\"a\" < '1.00'::int",
          "t.\"a\" = '1.00'::int AND t.\"a\" > '1.0'::int AND t.\"b\" < '9'::int"));
}

TEST(RangeConditions, OfFirstColumnsAlone) {
  const auto key = key_of({column("a"), column("b")});
  EXPECT_THAT(range_conditions(key, range(R"(["1"])", R"(["5"])")),
              ElementsAre("t.\"a\" >= '1'::int AND t.\"a\" < '5'::int"));
  EXPECT_THAT(range_conditions(key, range(R"(["1"])", R"(["1","5"])")),
              ElementsAre("t.\"a\" = '1'::int AND t.\"b\" < '5'::int"));
  EXPECT_THAT(range_conditions(key, range(R"(["1","2"])", R"(["3"])")),
              ElementsAre("t.\"a\" = '1'::int AND t.\"a\" < '3'::int AND t.\"b\" >= '2'::int",
                          "t.\"a\" > '1'::int AND t.\"a\" < '3'::int"));
}

TEST(RangeConditions, BoundsOfMoreColumnsAreRefused) {
  EXPECT_THROW(range_conditions(key_of({column("a")}), range(R"(["1","2"])", {})), Error);
  EXPECT_THROW(range_conditions(key_of({column("a")}), range("7", {})), Error) << "of an integer key";
}

TEST(Ascending, ComparesNeighboursAsPlaces) {
  const auto key = key_of({column("a"), column("b", true)});
  EXPECT_EQ(ascending_sql(key, {}), "SELECT true");
  EXPECT_EQ(ascending_sql(key, {R"(["1"])"}), "SELECT true");
  EXPECT_EQ(ascending_sql(key, {R"(["1"])", R"(["2"])", R"(["2","9"])"}),
            "SELECT '1'::int <= '2'::int AND '2'::int <= '2'::int");
  EXPECT_EQ(ascending_sql(key, {R"(["1","9"])", R"(["2"])"}), "SELECT '1'::int < '2'::int");
  EXPECT_EQ(ascending_sql(key, {R"(["1","9"])", R"(["1","7"])"}),
            "SELECT ('1'::int < '1'::int OR '1'::int = '1'::int AND '9'::int >= '7'::int)");
}

// All triples of small numbers, and every pair of bounds of one to three columns: each row meets exactly one
// condition if it is in the range, else none. Judged by a small reading of the conditions themselves.
class Reader {
 public:
  static bool holds(const std::string& condition, const std::array<int, 3>& row) {
    if (condition == "true") return true;
    for (std::size_t at = 0; at != std::string::npos;) {
      const auto next = condition.find(" AND ", at);
      if (!term(condition.substr(at, next == std::string::npos ? next : next - at), row)) return false;
      at = next == std::string::npos ? next : next + 5;
    }
    return true;
  }

 private:
  static bool term(const std::string& text, const std::array<int, 3>& row) {
    const int value = row[static_cast<std::size_t>(text[3] - 'a')], bound = text[text.find('\'') + 1] - '0';
    const auto op = text.substr(6, text.find(' ', 6) - 6);
    return op == "<"    ? value < bound
           : op == "<=" ? value <= bound
           : op == "="  ? value == bound
           : op == ">=" ? value >= bound
                        : value > bound;
  }
};

TEST(RangeConditions, EachRowMeetsOneCondition) {
  const std::array descending{false, true, false};
  const auto key = key_of({column("a"), column("b", true), column("c")});
  // A digit and nothing, or a point behind it: other text, the same value.
  const auto place = [&](const std::vector<int>& bound, const std::array<int, 3>& row) {
    for (std::size_t i = 0; i < bound.size(); ++i) {
      if (row[i] != bound[i]) return (row[i] < bound[i]) != descending[i] ? -1 : 1;
    }
    return 0;
  };
  std::vector<std::vector<int>> bounds;
  std::vector<std::array<int, 3>> rows;
  for (int i = 0; i < 27; ++i) {
    rows.push_back({i / 9, i / 3 % 3, i % 3});
    bounds.push_back({i / 9, i / 3 % 3, i % 3});
    if (i % 3 == 0) bounds.push_back({i / 9, i / 3 % 3});
    if (i % 9 == 0) bounds.push_back({i / 9});
  }
  const auto text = [](const std::vector<int>& bound, const char* behind) {
    std::string list;
    for (const int value : bound)
      list += (list.empty() ? "[\"" : ",\"") + std::to_string(value) + behind + "\"";
    return list + "]";
  };
  for (const auto& lower : bounds) {
    for (const auto& upper : bounds) {
      for (const char* behind : {"", "."}) {
        const auto conditions = range_conditions(key, range(text(lower, ""), text(upper, behind)));
        for (const auto& row : rows) {
          const bool inside = place(lower, row) >= 0 && place(upper, row) < 0;
          const auto met =
              std::ranges::count_if(conditions, [&](const auto& each) { return Reader::holds(each, row); });
          ASSERT_EQ(met, inside ? 1 : 0)
              << text(lower, "") << text(upper, behind) << testing::PrintToString(row);
        }
      }
    }
  }
}

}  // namespace
}  // namespace pghaul
