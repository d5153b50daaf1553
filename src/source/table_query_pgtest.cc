// What the server makes of our SQL: which rows, by which plan, in which order.
#include "source/table_query.h"

#include <algorithm>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/catalog.h"
#include "pg/copy.h"
#include "support/servers.h"

namespace pghaul {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* lowest = "-9223372036854775808";
constexpr const char* highest = "9223372036854775807";

class TableQuery : public test::ServersTest {
 protected:
  TableQuery() : connection_(open()) {
    run("CREATE TABLE public.t (id bigint UNIQUE, data text); "
        "INSERT INTO public.t SELECT i, 'row ' || i FROM pg_catalog.generate_series(-5000, 15000) i; "
        "INSERT INTO public.t VALUES (-9223372036854775808), (9223372036854775807), (NULL), (NULL)");
    run("ANALYZE public.t");
    table_ = read_table("t");
  }

  pg::Connection open() const {
    pg::SessionOptions options;
    options.settings = {{"search_path", ""}, {"synchronize_seqscans", "off"}};
    return pg::Connection(pg::parse_endpoint(Side::source, source_conninfo()), options);
  }
  static Deadline soon() { return Deadline::after(std::chrono::seconds(60)); }
  pg::Result run(const std::string& sql) { return connection_.run(sql, soon()); }

  SourceTable read_table(const std::string& name) {
    SourceTable table;
    table.shape = *catalog::read_table_shape(connection_, {"public", name}, soon());
    for (const auto& column : table.shape.columns) table.columns.push_back(column.name);
    table.key_column = "id";
    return table;
  }
  // The keys that the chunk's COPY gives, sorted by number.
  std::vector<std::string> keys(ChunkRange range, SourceTable table) {
    table.columns = {"id"};
    pg::CopyOut copy(connection_, copy_out_sql(table, range), soon());
    std::vector<std::string> found;
    for (std::string_view row; copy.next(row);) found.emplace_back(row.substr(0, row.size() - 1));
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
      return (a == "\\N" || b == "\\N") ? a < b : std::stoll(a) < std::stoll(b);
    });
    return found;
  }
  std::vector<std::string> keys(ChunkRange range) { return keys(std::move(range), table_); }
  std::vector<std::string> probe(const ChunkRange& range, std::int64_t rows, int most) {
    std::vector<std::string> cuts;
    const auto result = run(probe_sql(table_, range, rows, most));
    for (int row = 0; row < result.rows(); ++row) cuts.emplace_back(result.text(row, 0));
    return cuts;
  }
  std::string explain(const std::string& sql, const char* options = "COSTS off") {
    std::string plan;
    const auto lines = run(fmt::format("EXPLAIN ({}) {}", options, sql));
    for (int row = 0; row < lines.rows(); ++row) plan += std::string(lines.text(row, 0)) + "\n";
    return plan;
  }
  // COPY itself cannot be explained.
  std::string explain_copy(const ChunkRange& range) {
    const auto sql = copy_out_sql(table_, range);
    return explain(sql.substr(6, sql.rfind(") TO STDOUT") - 6));
  }

  pg::Connection connection_;
  SourceTable table_;
};

ChunkRange key_range(std::optional<std::string> lower, std::optional<std::string> upper) {
  return {ChunkKind::key, std::move(lower), std::move(upper), {}};
}

TEST_F(TableQuery, KeyRangesAreHalfOpen) {
  EXPECT_THAT(keys(key_range("-2", "3")), ElementsAre("-2", "-1", "0", "1", "2"));
  EXPECT_THAT(keys(key_range({}, "-4999")), ElementsAre(lowest, "-5000"));
  EXPECT_THAT(keys(key_range("15000", {})), ElementsAre("15000", highest));
  EXPECT_THAT(keys(key_range(lowest, "-4999")), ElementsAre(lowest, "-5000"));
  EXPECT_THAT(keys(key_range(highest, {})), ElementsAre(highest));
  EXPECT_THAT(keys({ChunkKind::null, {}, {}, {}}), ElementsAre("\\N", "\\N"));
  EXPECT_EQ(keys(key_range({}, {})).size(), 20'003U) << "all but the NULLs";
  EXPECT_EQ(keys({ChunkKind::whole, {}, {}, {}}).size(), 20'005U);
}

TEST_F(TableQuery, KeyRangesUseTheIndex) {
  EXPECT_THAT(explain_copy(key_range("10", "20")),
              HasSubstr("Index Cond: ((id >= '10'::bigint) AND (id < '20'::bigint))"));
  EXPECT_THAT(explain_copy(key_range(lowest, "-4990")),
              HasSubstr("Index Cond: ((id >= '-9223372036854775808'::bigint) AND (id < '-4990'::bigint))"));
  EXPECT_THAT(explain_copy(key_range({}, "-4990")), HasSubstr("Index Cond: (id < '-4990'::bigint)"));
  EXPECT_THAT(explain_copy(key_range("14990", {})), HasSubstr("Index Cond: (id >= '14990'::bigint)"));
  table_.where_sql = "data LIKE 'row%' -- of ours";
  EXPECT_THAT(explain_copy(key_range("10", "20")),
              AllOf(HasSubstr("Index Cond: ((id >= '10'::bigint) AND (id < '20'::bigint))"),
                    HasSubstr("Filter: (data ~~ 'row%'::text)")));
}

TEST_F(TableQuery, IndexesOfShorterIntegersServeToo) {
  for (const char* type : {"smallint", "integer"}) {
    run(fmt::format("DROP TABLE public.t; CREATE TABLE public.t (id {} PRIMARY KEY); INSERT INTO public.t "
                    "SELECT i FROM pg_catalog.generate_series(1, 20000) i",
                    type));
    run("ANALYZE public.t");
    table_ = read_table("t");
    EXPECT_THAT(explain_copy(key_range("10", "20")), HasSubstr("Index Cond: ((id >= '10'::bigint) AND"));
    // Bounds that the type itself cannot hold.
    EXPECT_THAT(keys(key_range(lowest, "3")), ElementsAre("1", "2"));
    EXPECT_THAT(probe(key_range(lowest, {}), 8000, 9), ElementsAre("8001", "16001"));
  }
}

TEST_F(TableQuery, PageRangesMeetWithoutOverlap) {
  const auto pages = run("SELECT pg_catalog.pg_relation_size('public.t') / 8192").int64(0, 0);
  ASSERT_GT(pages, 20);
  std::vector<std::string> all;
  for (const auto& [lower, upper] : {std::pair<std::optional<std::string>, std::optional<std::string>>{{}, "7"},
                                     {"7", "8"}, {"8", std::to_string(pages - 1)}, {std::to_string(pages - 1), {}}}) {
    const auto part = keys({ChunkKind::ctid, lower, upper, {}});
    EXPECT_FALSE(part.empty());
    all.insert(all.end(), part.begin(), part.end());
  }
  EXPECT_EQ(all.size(), 20'005U);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()) - all.begin(), 20'004) << "the two NULLs are alike";
  EXPECT_THAT(explain_copy({ChunkKind::ctid, "3", "5", {}}), HasSubstr("Tid Range Scan"));
}

TEST_F(TableQuery, LateRowsAreThoseOfNewTransactions) {
  const std::string since(run("SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())").text(0, 0));
  run("UPDATE public.t SET data = 'new' WHERE id = 5; INSERT INTO public.t VALUES (20001), (20002)");
  EXPECT_THAT(keys({ChunkKind::late, {}, "20002", since}), ElementsAre("5", "20001"));
  EXPECT_THAT(keys({ChunkKind::late, {}, {}, since}), ElementsAre("5", "20001", "20002"));
  run("VACUUM (FREEZE) public.t");
  EXPECT_THAT(keys({ChunkKind::late, {}, {}, since}), ElementsAre("5", "20001", "20002")) << "xmin outlives freezing";
}

TEST_F(TableQuery, UsersConditionMayEndInAComment) {
  table_.where_sql = "data = 'row 7' OR t.id = 9 -- the rest does not matter";
  EXPECT_THAT(keys(key_range("5", "9")), ElementsAre("7"));
  EXPECT_THAT(keys({ChunkKind::whole, {}, {}, {}}), ElementsAre("7", "9"));
}

// Or else its second half would hold in every chunk, and rows would be copied once per chunk.
TEST_F(TableQuery, UsersConditionCannotLeaveItsChunk) {
  table_.where_sql = "t.id = 7) OR (t.id = 9";
  EXPECT_THROW(keys(key_range("5", "8")), Error);
  table_.where_sql = "t.id = 7 END OR CASE WHEN true THEN t.id = 9";
  EXPECT_THAT(keys(key_range("5", "8")), ElementsAre("7"));
}

TEST_F(TableQuery, ProbesCutEveryNRows) {
  EXPECT_THAT(probe(key_range("0", {}), 5000, 9), ElementsAre("5000", "10000", "15000"));
  EXPECT_THAT(probe(key_range("95", "1005"), 300, 9), ElementsAre("395", "695", "995"));
  EXPECT_THAT(probe(key_range(lowest, "-4997"), 1, 9), ElementsAre("-5000", "-4999", "-4998"));
  EXPECT_THAT(probe(key_range({}, "-4997"), 2, 9), ElementsAre("-4999"));
  EXPECT_THAT(probe(key_range("15000", {}), 1, 9), ElementsAre(highest));
}

TEST_F(TableQuery, ProbesAreOrderedByNumber) {
  EXPECT_THAT(probe(key_range("8", "103"), 31, 9), ElementsAre("39", "70", "101"));
  EXPECT_THAT(probe(key_range("-12", "12"), 7, 9), ElementsAre("-5", "2", "9"));
}

TEST_F(TableQuery, ProbesAreBounded) {
  EXPECT_THAT(probe(key_range("0", {}), 10, 3), ElementsAre("10", "20", "30"));
  EXPECT_THAT(probe(key_range("0", "10"), 10, 3), IsEmpty()) << "exactly one piece";
  EXPECT_THAT(probe(key_range("20000", "30000"), 1, 3), IsEmpty()) << "no rows at all";
  EXPECT_THAT(probe(key_range({}, {}), 20'003, 9), IsEmpty()) << "NULLs are not counted";
}

TEST_F(TableQuery, ProbesUseTheIndexAndSortNothing) {
  run("BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off");
  for (const auto& range : {key_range(lowest, "-4990"), key_range({}, {}), key_range("5", {}), key_range({}, "5")}) {
    // The repeated part is shown only when it was executed.
    const auto plan = explain(probe_sql(table_, range, 100, 9), "ANALYZE, COSTS off, TIMING off");
    EXPECT_THAT(plan, AllOf(HasSubstr("Index Only Scan"), Not(HasSubstr("Sort")), Not(HasSubstr("Seq Scan"))));
    EXPECT_THAT(plan, HasSubstr("(id >= cut_1.key)"));
    EXPECT_THAT(plan, Not(HasSubstr("Filter: (id"))) << "not each row of the index is looked at";
  }
  EXPECT_THAT(explain(probe_sql(table_, key_range(lowest, "-4990"), 100, 9)),
              HasSubstr("Index Cond: ((id >= '-9223372036854775808'::bigint) AND (id < '-4990'::bigint))"));
}

}  // namespace
}  // namespace pghaul
