#include "source/table_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pghaul/error.h"

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
  EXPECT_EQ(range_condition(late, "id"), "true") << "whatever transaction it was";
}

// A table with rows in two others; `kind`: partitioned, or the root of an inheritance tree.
SourceTable tree(char kind) {
  auto table = odd_table();
  table.shape.kind = kind;
  table.shape.members.resize(2);
  table.shape.members[0].oid = 5;
  table.shape.members[0].name = {"s", "Leaf"};
  table.shape.members[1].oid = 6;
  return table;
}

TEST(RelationOf, OneMemberOrAllThatArePlanned) {
  auto leaf = range(ChunkKind::key, "1", "5");
  leaf.member = ChunkMember{5, "by its name of then"};
  EXPECT_THAT(copy_out_sql(tree('p'), leaf), HasSubstr("FROM ONLY \"s\".\"Leaf\" AS t WHERE t.\"id\" >= '1'"));
  EXPECT_THAT(probe_sql(tree('p'), leaf, 10, 4), HasSubstr("FROM ONLY \"s\".\"Leaf\" AS t"));
  EXPECT_THAT(shape_check_sql(tree('p'), leaf), HasSubstr("unnest('{5}'::pg_catalog.oid[])"));
  leaf.member.reset();
  const auto all = copy_out_sql(tree('p'), leaf);
  EXPECT_THAT(all, HasSubstr("FROM \"My Schema\".\"the \"\"table\"\"\" AS t WHERE"));
  EXPECT_THAT(all, HasSubstr(" AND t.tableoid = ANY ('{5,6}'::pg_catalog.oid[])")) << "one that came since is not planned";
  EXPECT_THAT(shape_check_sql(tree('p'), leaf), HasSubstr("unnest('{5,6}'::pg_catalog.oid[])"));
  leaf.member = ChunkMember{7, "public.gone"};
  EXPECT_THROW(copy_out_sql(tree('p'), leaf), Error);
}

// Merging deletes by key: where a key may stand in several tables, its rows of all of them must come.
TEST(RelationOf, LateRowsOfATreeWhoseKeysMayRepeat) {
  auto late = range(ChunkKind::late, {}, "100");
  late.member = ChunkMember{5, "s.leaf"};
  EXPECT_THAT(copy_out_sql(tree('p'), late), Not(HasSubstr(" IN (SELECT")));
  EXPECT_THAT(copy_out_sql(tree('r'), late),
              HasSubstr("FROM \"My Schema\".\"the \"\"table\"\"\" AS t WHERE t.tableoid = ANY ('{5,6}'::pg_catalog.oid[]) AND "
                        "t.\"id\" IN (SELECT t.\"id\" FROM ONLY \"s\".\"Leaf\" AS t WHERE t.\"id\" < '100'"));
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
  const auto sql = shape_check_sql(odd_table(), {});
  EXPECT_THAT(sql, HasSubstr("pg_catalog.unnest('{4711}'::pg_catalog.oid[])"));
  EXPECT_THAT(sql, HasSubstr(", t.\"id\", t.\"Odd \"\"name\"\"\" FROM"));
  EXPECT_THAT(sql, Not(HasSubstr("*"))) << "the role may have a right on some columns only";
}

}  // namespace
}  // namespace pghaul
