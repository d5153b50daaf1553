#include "source/table_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pghaul {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* lowest = "-9223372036854775808";

ChunkRange range(ChunkKind kind, std::optional<std::string> lower = {}, std::optional<std::string> upper = {}) {
  return {kind, std::move(lower), std::move(upper), {}};
}

SourceTable odd_table() {
  SourceTable table;
  table.shape.oid = 4711;
  table.shape.name = {"My Schema", "the \"table\""};
  table.columns = {"id", "Odd \"name\""};
  table.key_column = "id";
  return table;
}

TEST(RangeCondition, Keys) {
  EXPECT_EQ(range_condition(range(ChunkKind::key, "1", "5"), "id"),
            "t.\"id\" >= '1'::pg_catalog.int8 AND t.\"id\" < '5'::pg_catalog.int8");
  EXPECT_EQ(range_condition(range(ChunkKind::key, "1"), "id"), "t.\"id\" >= '1'::pg_catalog.int8");
  EXPECT_EQ(range_condition(range(ChunkKind::key, {}, "5"), "id"), "t.\"id\" < '5'::pg_catalog.int8");
}

TEST(RangeCondition, KeysWithoutBoundsLeaveNullsOut) {
  EXPECT_EQ(range_condition(range(ChunkKind::key), "id"), "t.\"id\" IS NOT NULL");
}

// As a bare number it would be the negation of a numeric.
TEST(RangeCondition, LowestKeyIsALiteral) {
  EXPECT_EQ(range_condition(range(ChunkKind::key, lowest), "id"), "t.\"id\" >= '-9223372036854775808'::pg_catalog.int8");
}

TEST(RangeCondition, Nulls) { EXPECT_EQ(range_condition(range(ChunkKind::null), "K\"ey"), "t.\"K\"\"ey\" IS NULL"); }

TEST(RangeCondition, Pages) {
  EXPECT_EQ(range_condition(range(ChunkKind::ctid, "0", "128"), ""),
            "t.ctid >= '(0,0)'::pg_catalog.tid AND t.ctid < '(128,0)'::pg_catalog.tid");
  EXPECT_EQ(range_condition(range(ChunkKind::ctid, "128"), ""), "t.ctid >= '(128,0)'::pg_catalog.tid");
  EXPECT_EQ(range_condition(range(ChunkKind::ctid), ""), "true");
}

TEST(RangeCondition, Whole) { EXPECT_EQ(range_condition(range(ChunkKind::whole), ""), "true"); }

TEST(RangeCondition, LateRows) {
  auto late = range(ChunkKind::late, {}, "100");
  late.since = "777";
  EXPECT_EQ(range_condition(late, "id"),
            "t.\"id\" < '100'::pg_catalog.int8 AND pg_catalog.age(t.xmin) <= pg_catalog.age('777'::pg_catalog.xid)");
  late.upper.reset();
  EXPECT_EQ(range_condition(late, "id"),
            "true AND pg_catalog.age(t.xmin) <= pg_catalog.age('777'::pg_catalog.xid)");
  late.since.reset();
  EXPECT_THAT(range_condition(late, "id"), HasSubstr("age('3'::pg_catalog.xid)")) << "the first normal xid";
}

TEST(CopyOutSql, NamesAreQuoted) {
  EXPECT_EQ(copy_out_sql(odd_table(), range(ChunkKind::key, "1", "5")),
            "COPY (SELECT t.\"id\", t.\"Odd \"\"name\"\"\" FROM ONLY \"My Schema\".\"the \"\"table\"\"\" AS t "
            "WHERE t.\"id\" >= '1'::pg_catalog.int8 AND t.\"id\" < '5'::pg_catalog.int8) TO STDOUT");
}

TEST(CopyOutSql, Binary) {
  auto table = odd_table();
  table.binary = true;
  EXPECT_THAT(copy_out_sql(table, range(ChunkKind::whole)), testing::EndsWith(" WHERE true) TO STDOUT (FORMAT binary)"));
}

TEST(CopyOutSql, WhereStandsOnLinesOfItsOwn) {
  auto table = odd_table();
  table.where_sql = "id > 5 -- and nothing else";
  EXPECT_THAT(copy_out_sql(table, range(ChunkKind::whole)), HasSubstr("\nid > 5 -- and nothing else\n"));
}

TEST(ProbeSql, SortsByTheColumnAndCastsOutside) {
  const auto sql = probe_sql(odd_table(), range(ChunkKind::key, lowest, "5"), 1000, 64);
  EXPECT_THAT(sql, HasSubstr("ORDER BY t.\"id\" OFFSET 1000 LIMIT 1"));
  EXPECT_THAT(sql, Not(HasSubstr("ORDER BY \"id\"")));
  EXPECT_THAT(sql, HasSubstr("t.\"id\" >= '-9223372036854775808'::pg_catalog.int8"));
  EXPECT_THAT(sql, HasSubstr("cut.n < 64"));
}

TEST(ShapeCheckSql, NamesOnlyTheColumnsThatTravel) {
  const auto sql = shape_check_sql(odd_table());
  EXPECT_THAT(sql, HasSubstr("pg_catalog.pg_relation_filenode(4711::pg_catalog.oid)"));
  EXPECT_THAT(sql, HasSubstr(", t.\"id\", t.\"Odd \"\"name\"\"\" FROM"));
  EXPECT_THAT(sql, Not(HasSubstr("*"))) << "the role may have a right on some columns only";
}

}  // namespace
}  // namespace pghaul
