// Ranges of keys of every kind, as the server sees them: each row is in exactly one, and no scan reads beyond
// its range.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <regex>
#include <set>

#include "catalog/catalog.h"
#include "pg/copy.h"
#include "plan/key_bound.h"
#include "source/ordered_ranges.h"
#include "source/table_query.h"
#include "support/key_cases.h"
#include "support/servers.h"

namespace pghaul {
namespace {

using test::KeyCase;
using testing::HasSubstr;

class OrderedRanges : public test::ServersTest {
 protected:
  OrderedRanges() : connection_(open()) {}

  pg::Connection open() const {
    pg::SessionOptions options;
    options.settings = pg::pinned_text_settings();
    options.settings.insert(options.settings.begin(),
                            {{"search_path", ""}, {"max_parallel_workers_per_gather", "0"}});
    return pg::Connection(pg::parse_endpoint(Side::source, source_conninfo()), options);
  }
  static Deadline soon() { return Deadline::after(std::chrono::seconds(60)); }
  pg::Result run(const std::string& sql) { return connection_.run(sql, soon()); }

  void read_table() {
    table_.shape = *catalog::read_table_shape(connection_, {"public", "profiles"}, soon());
    table_.columns.clear();
    for (const auto& column : table_.shape.columns) table_.columns.push_back(column.name);
    ASSERT_THAT(table_.shape.ordered_keys, testing::SizeIs(1))
        << testing::PrintToString(table_.shape.no_keys);
    table_.ordered_key = table_.shape.ordered_keys.front();
  }
  void make(const KeyCase& key, int rows) {
    source_sql("DROP TABLE IF EXISTS public.profiles; SET client_min_messages = error;" +
               key_table_sql(key, rows));
    read_table();
  }
  // The rows that a chunk's COPY gives.
  std::vector<std::string> rows_of(const ChunkRange& range) {
    pg::CopyOut copy(connection_, copy_out_sql(table_, range), soon());
    std::vector<std::string> rows;
    for (std::string_view row; copy.next(row);) rows.emplace_back(row);
    return rows;
  }
  std::vector<std::string> probe(const ChunkRange& range, std::int64_t rows, int most) {
    run("BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = "
        "off");
    const auto result = run(probe_sql(table_, range, rows, most));
    run("COMMIT");
    std::vector<std::string> cuts;
    for (int row = 0; row < result.rows(); ++row) {
      KeyBound bound;
      for (int column = 0; column < result.columns(); ++column) bound.emplace_back(result.text(row, column));
      cuts.push_back(encode_bound(bound));
    }
    return cuts;
  }
  static ChunkRange between(std::optional<std::string> lower, std::optional<std::string> upper) {
    return {ChunkKind::key, std::move(lower), std::move(upper), {}};
  }
  // Those that lie between neighbouring cuts, and at both ends.
  static std::vector<ChunkRange> ranges(const std::vector<std::string>& cuts) {
    std::vector<ChunkRange> all{between({}, {})};
    for (const auto& cut : cuts) {
      all.back().upper = cut;
      all.push_back(between(cut, {}));
    }
    return all;
  }
  void expect_complete(const std::vector<ChunkRange>& pieces) {
    std::vector<std::string> found;
    for (const auto& piece : pieces) std::ranges::copy(rows_of(piece), std::back_inserter(found));
    auto all = rows_of({ChunkKind::whole, {}, {}, {}});
    std::ranges::sort(found);
    std::ranges::sort(all);
    EXPECT_EQ(found, all);
  }
  // What the plan of a range's COPY does: buffers it looks at, and rows it reads in vain.
  std::pair<long, long> cost_of(const std::string& select) {
    std::string plan;
    const auto lines = run("EXPLAIN (ANALYZE, BUFFERS, COSTS off, TIMING off) " + select);
    for (int row = 0; row < lines.rows(); ++row) plan += std::string(lines.text(row, 0)) + "\n";
    std::smatch found;
    long buffers = 0, removed = 0;
    static const std::regex shared(R"(Buffers: shared hit=(\d+)(?: read=(\d+))?)"),
        vain(R"(Rows Removed by \w+.*: (\d+))");
    if (std::regex_search(plan, found, shared))
      buffers = std::stol(found[1]) + (found[2].matched ? std::stol(found[2]) : 0);
    for (auto rest = plan; std::regex_search(rest, found, vain); rest = found.suffix())
      removed += std::stol(found[1]);
    last_plan_ = plan;
    return {buffers, removed};
  }

  pg::Connection connection_;
  SourceTable table_;
  std::string last_plan_;
};

// All kinds in one database each: making one takes longer than a test in it.
#define FOR_EACH_KEY(key)                   \
  for (const auto& key : test::key_cases()) \
    if (const testing::ScopedTrace trace(__FILE__, __LINE__, key.name); true)

TEST_F(OrderedRanges, ProbesCutEvenlyAndEveryRowIsInOneRange) {
  FOR_EACH_KEY(key) {
    make(key, 300);
    const auto rows = rows_of({ChunkKind::whole, {}, {}, {}}).size();
    auto cuts = probe(between({}, {}), 37, 64);
    EXPECT_EQ(cuts.size(), (rows - 1) / 37);
    for (const auto& range : ranges(cuts)) {
      EXPECT_EQ(rows_of(range).size(), range.upper ? 37 : rows - 37 * cuts.size()) << describe(range, "key");
    }
    expect_complete(ranges(cuts));
    EXPECT_TRUE(run(ascending_sql(*table_.ordered_key, cuts)).boolean(0, 0));
    std::ranges::reverse(cuts);
    EXPECT_FALSE(run(ascending_sql(*table_.ordered_key, cuts)).boolean(0, 0));
  }
}

// Every key is a bound of its own: the pieces have one row each, whatever lies beside it. And bounds far
// apart, with common beginnings and without, and those of the first columns alone.
TEST_F(OrderedRanges, EveryKeyMayBeABound) {
  std::minstd_rand random(20240611);
  FOR_EACH_KEY(key) {
    make(key, 40);
    const auto cuts = probe(between({}, {}), 1, 1000);
    EXPECT_EQ(cuts.size(), rows_of({ChunkKind::whole, {}, {}, {}}).size() - 1);
    for (const auto& range : ranges(cuts)) EXPECT_EQ(rows_of(range).size(), 1U) << describe(range, "key");
    for (int round = 0; round < 8; ++round) {
      auto low = random() % cuts.size(), high = random() % cuts.size();
      if (low > high) std::swap(low, high);
      expect_complete({between({}, cuts[low]), between(cuts[low], cuts[high]), between(cuts[high], {})});
      auto beginning = decode_bound(cuts[high]);
      beginning.resize(1 + random() % beginning.size());
      const auto first = encode_bound({decode_bound(cuts[0])[0]}), last = encode_bound(beginning);
      expect_complete({between({}, first), between(first, last), between(last, {})});
    }
  }
}

// Cut by the statistics, then by probes within the ranges. Of ranges there are no such statistics.
TEST_F(OrderedRanges, StatisticsAscend) {
  FOR_EACH_KEY(key) {
    make(key, 1500);
    run("ANALYZE public.profiles");
    const auto& column = table_.ordered_key->columns.front();
    if (column.type.ends_with("[]") || column.type == "daterange") continue;
    const auto statistics = catalog::read_ordered_statistics(connection_, table_.shape.name, column, soon());
    std::vector<std::string> cuts;
    double share = 0;
    for (const auto& point : statistics.points) {
      cuts.push_back(encode_bound({point.value}));
      share += point.share;
    }
    EXPECT_NEAR(share, 1, 0.1);
    expect_complete(ranges(cuts));
    if (cuts.size() < 8) continue;
    const auto inner = between(cuts[2], cuts[7]);
    auto pieces = ranges(probe(inner, 10, 64));
    EXPECT_GT(pieces.size(), 1U);
    pieces.front().lower = inner.lower;
    pieces.back().upper = inner.upper;
    pieces.insert(pieces.begin(), between({}, inner.lower));
    pieces.push_back(between(inner.upper, {}));
    expect_complete(pieces);
  }
}

// Half the rows are of one tenant: row-value bounds would read all of it for each chunk.
TEST_F(OrderedRanges, NoScanReadsBeyondItsRange) {
  for (const char* index : {"tenant, seq", "tenant DESC, seq", "tenant, seq DESC", "tenant DESC, seq DESC"}) {
    SCOPED_TRACE(index);
    make({"", "", "tenant int, seq bigint", index, "CASE WHEN g < 30000 THEN 7 ELSE g % 20 END, g", ""},
         60'000);
    run("VACUUM (ANALYZE) public.profiles");
    const auto cuts = probe(between({}, {}), 1000, 1000);
    ASSERT_EQ(cuts.size(), 59U);
    for (const auto& range : ranges(cuts)) {
      const auto sql = copy_out_sql(table_, range);
      const auto [buffers, removed] = cost_of(sql.substr(6, sql.rfind(") TO STDOUT") - 6));
      EXPECT_EQ(removed, 0) << last_plan_;
      EXPECT_LE(buffers, 1100) << last_plan_;  // one for each row at most
      EXPECT_THAT(last_plan_, Not(HasSubstr("Seq Scan"))) << last_plan_;
    }
    // Of 59 probes with an index of about 240 pages none begins anew at the tenant's first row.
    run("BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = "
        "off");
    const auto [buffers, removed] = cost_of(probe_sql(table_, between(cuts[2], cuts[20]), 100, 200));
    run("COMMIT");
    EXPECT_EQ(removed, 0) << last_plan_;
    EXPECT_LE(buffers, 180 * 16) << last_plan_;
    EXPECT_THAT(last_plan_, Not(HasSubstr("Sort Key: t"))) << last_plan_;
  }
}

// What keeps an index from being a key is said.
TEST_F(OrderedRanges, OthersAreNoKeys) {
  run("CREATE TYPE public.pair AS (a int, b int); CREATE DOMAIN public.d AS int[];"
      "CREATE TABLE public.t (a text NOT NULL, n text, m money NOT NULL, p public.pair NOT NULL, d "
      "public.d[] NOT NULL);"
      "CREATE UNIQUE INDEX nullable ON public.t (a, n); CREATE UNIQUE INDEX expression ON public.t "
      "(lower(a));"
      "CREATE UNIQUE INDEX partial ON public.t (a) WHERE a > 'b'; CREATE UNIQUE INDEX money ON public.t (m);"
      "CREATE UNIQUE INDEX composite ON public.t (p); CREATE UNIQUE INDEX domains ON public.t (d);"
      "ALTER TABLE public.t ADD CONSTRAINT later UNIQUE (a) DEFERRABLE; CREATE INDEX plain ON public.t (a)");
  const auto shape = *catalog::read_table_shape(connection_, {"public", "t"}, soon());
  EXPECT_THAT(shape.ordered_keys, testing::IsEmpty());
  EXPECT_THAT(shape.no_keys, testing::UnorderedElementsAre(
                                 "nullable: column n may be NULL", "expression: it has an expression",
                                 "partial: it is partial", "later: it is deferrable",
                                 "money: values of column m cannot be written down for sure",
                                 "composite: values of column p cannot be written down for sure",
                                 "domains: values of column d cannot be written down for sure"));
}

TEST_F(OrderedRanges, FunctionsOfUsersAreNeverCalled) {
  run("CREATE FUNCTION public.before(text, text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 < $2';"
      "CREATE FUNCTION public.cmp(text, text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT "
      "pg_catalog.bttextcmp($1, $2)';"
      "CREATE OPERATOR public.<<< (LEFTARG = text, RIGHTARG = text, FUNCTION = public.before);"
      "CREATE OPERATOR CLASS public.mine FOR TYPE text USING btree AS OPERATOR 1 public.<<<, OPERATOR 2 <=, "
      "OPERATOR 3 =,"
      " OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 public.cmp(text, text);"
      "CREATE TABLE public.t (a text NOT NULL); CREATE UNIQUE INDEX k ON public.t (a public.mine)");
  const auto shape = *catalog::read_table_shape(connection_, {"public", "t"}, soon());
  EXPECT_THAT(shape.ordered_keys, testing::IsEmpty());
  EXPECT_THAT(shape.no_keys, testing::ElementsAre("k: column a is ordered by functions of users"));
}

// The primary key first, then fewer columns.
TEST_F(OrderedRanges, TheBestKeyComesFirst) {
  run("CREATE TABLE public.t (a text NOT NULL UNIQUE, b text, c date, PRIMARY KEY (b, c), UNIQUE (a, b))");
  const auto shape = *catalog::read_table_shape(connection_, {"public", "t"}, soon());
  ASSERT_EQ(shape.ordered_keys.size(), 3U);
  EXPECT_EQ(shape.ordered_keys[0].display(), "(b, c)");
  EXPECT_TRUE(shape.ordered_keys[0].primary);
  EXPECT_EQ(shape.ordered_keys[1].display(), "a");
  EXPECT_EQ(shape.ordered_keys[2].display(), "(a, b)");
}

// Bounds mean another place once this has changed.
TEST_F(OrderedRanges, IdentityTellsWhatTheOrderDependsOn) {
  const auto identity = [&](const std::string& column, const std::string& index) {
    run(
        fmt::format("DROP TABLE IF EXISTS public.t; CREATE TABLE public.t (a {} NOT NULL, b int NOT NULL);"
                    "CREATE UNIQUE INDEX k ON public.t ({})",
                    column, index));
    return catalog::read_table_shape(connection_, {"public", "t"}, soon())->ordered_keys.at(0).identity();
  };
  const std::vector<std::string> all{identity("text", "a"),
                                     identity("text", "a DESC"),
                                     identity("text", "a text_pattern_ops"),
                                     identity("text", "a COLLATE \"C\""),
                                     identity("text", "a COLLATE \"und-x-icu\""),
                                     identity("bytea", "a"),
                                     identity("text", "a, b"),
                                     identity("text", "b, a")};
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size()) << testing::PrintToString(all);
  EXPECT_EQ(identity("text", "a"), all[0]);
  EXPECT_THAT(all[4], testing::MatchesRegex(
                          R"("a" text pg_catalog.text_ops [0-9.]+ COLLATE pg_catalog."und-x-icu")"));
}

}  // namespace
}  // namespace pghaul
