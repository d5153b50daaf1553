#include "catalog/target_ddl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/type_fit.h"

namespace pghaul::catalog {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Names = std::vector<std::string>;

Column column(const char* name, const char* type, std::uint32_t oid = 25, bool not_null = false) {
  Column result;
  result.name = name;
  result.type = type;
  result.type_oid = oid;
  result.type_schema = "pg_catalog";
  result.not_null = not_null;
  result.binary_safe = true;
  return result;
}

TableShape shape_of(std::vector<Column> columns) {
  TableShape shape;
  shape.name = {"public", "t"};
  shape.columns = std::move(columns);
  return shape;
}

Index index_on(const char* name, Names columns, const char* tail) {
  Index index;
  index.name = name;
  index.columns = index.uses = std::move(columns);
  index.definition_tail = tail;
  return index;
}

TEST(CreateTable, KeepsTypesAndLeavesDefaultsOut) {
  Column id = column("id", "bigint", 20, true);
  id.identity = 'a';
  Column name = column("Na\"me", "text");
  name.collation = "pg_catalog.\"C\"";
  name.has_default = true;
  Column twice = column("twice", "bigint", 20);
  twice.generated = "(id * 2)";
  const TableShape source = shape_of({id, name, twice});
  EXPECT_EQ(create_table_sql(source, {"stats", "copy of t"}, {}),
            "CREATE TABLE \"stats\".\"copy of t\" (\n"
            "  \"id\" bigint NOT NULL,\n"
            "  \"Na\"\"me\" text COLLATE pg_catalog.\"C\",\n"
            "  \"twice\" bigint GENERATED ALWAYS AS ((id * 2)) STORED\n"
            ")");
  EXPECT_EQ(create_table_sql(source, {"s", "t"}, {"id"}), "CREATE TABLE \"s\".\"t\" (\n  \"id\" bigint NOT NULL\n)");
  EXPECT_EQ(create_table_sql(shape_of({}), {"s", "t"}, {}), "CREATE TABLE \"s\".\"t\" ()");
}

TEST(IndexBuilds, PrimaryKeyFirst) {
  TableShape source = shape_of({column("id", "bigint"), column("data", "jsonb")});
  Index primary = index_on("t_pkey", {"id"}, "USING btree (id)");
  primary.primary = primary.unique = primary.constraint = true;
  primary.constraint_type = "p";
  source.indexes = {index_on("t_data", {"data"}, "USING gin (data)"), primary};
  const auto builds = index_builds(source, {"s", "t"}, {});
  ASSERT_EQ(builds.size(), 2U);
  EXPECT_TRUE(builds[0].primary);
  EXPECT_THAT(builds[0].statements,
              ElementsAre("CREATE UNIQUE INDEX \"t_pkey\" ON \"s\".\"t\" USING btree (id)",
                          "ALTER TABLE \"s\".\"t\" ADD CONSTRAINT \"t_pkey\" PRIMARY KEY USING INDEX \"t_pkey\""));
  EXPECT_THAT(builds[1].statements, ElementsAre("CREATE INDEX \"t_data\" ON \"s\".\"t\" USING gin (data)"));
}

TEST(IndexBuilds, DeferrableConstraint) {
  TableShape source = shape_of({column("id", "bigint")});
  Index unique = index_on("u", {"id"}, "USING btree (id)");
  unique.unique = unique.constraint = unique.deferrable = true;
  unique.constraint_type = "u";
  source.indexes = {unique};
  EXPECT_THAT(index_builds(source, {"s", "t"}, {})[0].statements[1],
              testing::EndsWith("UNIQUE USING INDEX \"u\" DEFERRABLE"));
  source.indexes[0].deferred = true;
  EXPECT_THAT(index_builds(source, {"s", "t"}, {})[0].statements[1],
              testing::EndsWith("UNIQUE USING INDEX \"u\" DEFERRABLE INITIALLY DEFERRED"));
}

TEST(IndexBuilds, LeavesOutWhatCannotBeBuilt) {
  TableShape source = shape_of({column("id", "bigint"), column("data", "jsonb")});
  Index invalid = index_on("invalid", {"id"}, "USING btree (id)");
  invalid.valid = false;
  Index exclusion = index_on("exclusion", {"id"}, "USING gist (id)");
  exclusion.constraint = true;
  exclusion.constraint_type = "x";
  Index expression = index_on("expression", {""}, "USING btree (((data ->> 'a'::text)))");
  expression.uses = {"data"};
  source.indexes = {invalid, exclusion, expression, index_on("plain", {"id"}, "USING btree (id)")};
  const auto names = [&](const Names& columns) {
    Names found;
    for (const auto& build : index_builds(source, {"s", "t"}, columns)) found.push_back(build.name);
    return found;
  };
  EXPECT_THAT(names({}), ElementsAre("expression", "plain"));
  EXPECT_THAT(names({"id"}), ElementsAre("plain"));
}

TEST(TypeFit, SameAndWider) {
  const std::pair<const char*, const char*> fitting[] = {
      {"jsonb", "jsonb"},
      {"smallint", "integer"},
      {"smallint", "bigint"},
      {"integer", "bigint"},
      {"bigint", "numeric"},
      {"integer", "numeric(12,2)"},
      {"real", "double precision"},
      {"numeric(10,2)", "numeric"},
      {"numeric(10,2)", "numeric(12,2)"},
      {"numeric(10,2)", "numeric(12,4)"},
      {"character varying(20)", "text"},
      {"character varying(20)", "character varying(21)"},
      {"character varying(20)", "character varying"},
      {"character(3)", "text"},
      {"character(3)", "character varying(3)"},
      {"text", "character varying"},
      {"json", "jsonb"},
      {"jsonb", "json"},
      {"date", "timestamp without time zone"},
      {"timestamp(3) with time zone", "timestamp with time zone"},
      {"time without time zone", "time(6) without time zone"},
      {"bit varying(5)", "bit varying(8)"},
      {"integer[]", "bigint[]"},
      {"character varying(20)[]", "text[]"},
      {"s.\"odd (type)\"", "s.\"odd (type)\""},
  };
  for (const auto& [from, to] : fitting) EXPECT_TRUE(type_fits(from, to)) << from << " into " << to;
}

TEST(TypeFit, NarrowerAndUnrelated) {
  const std::pair<const char*, const char*> misfitting[] = {
      {"bigint", "integer"},
      {"integer", "smallint"},
      {"numeric", "bigint"},
      {"numeric", "numeric(20,4)"},
      {"numeric(10,2)", "numeric(10,4)"},
      {"numeric(10,2)", "numeric(9,1)"},
      {"bigint", "numeric(12,2)"},
      {"double precision", "real"},
      {"text", "character varying(100)"},
      {"character varying(20)", "character varying(19)"},
      {"character varying", "character varying(19)"},
      {"character varying(3)", "character(3)"},
      {"timestamp with time zone", "timestamp without time zone"},
      {"timestamp without time zone", "timestamp with time zone"},
      {"timestamp without time zone", "timestamp(3) without time zone"},
      {"timestamp without time zone", "date"},
      {"bit(5)", "bit(8)"},
      {"integer", "integer[]"},
      {"bigint[]", "integer[]"},
      {"jsonb", "integer"},
      {"uuid", "bytea"},
      {"s.\"odd (1)\"", "s.\"odd (2)\""},
      {"s.mood", "t.mood"},
  };
  for (const auto& [from, to] : misfitting) EXPECT_FALSE(type_fits(from, to)) << from << " into " << to;
}

TEST(Misfits, NoneForAnEqualTable) {
  const TableShape table = shape_of({column("id", "bigint"), column("data", "jsonb")});
  EXPECT_THAT(misfits(table, table, {}), IsEmpty());
  EXPECT_THAT(misfits(table, table, {"id"}), IsEmpty());
}

TEST(Misfits, AreSentencesAboutAColumn) {
  const TableShape source = shape_of({column("id", "bigint"), column("data", "jsonb"), column("sum", "bigint")});
  Column sum = column("sum", "bigint");
  sum.generated = "(1 + 1)";
  TableShape target = shape_of({column("id", "integer"), sum, column("made", "date", 1082, true)});
  target.name = {"stats", "T"};
  EXPECT_THAT(misfits(source, target, {"id", "data", "sum", "nothing"}),
              ElementsAre("stats.\"T\".id: bigint of the source does not fit into integer of the target",
                          "stats.\"T\".data: the target has no such column for jsonb of the source",
                          "stats.\"T\".sum: the target computes this column itself",
                          "public.t.nothing: there is no such column on the source",
                          "stats.\"T\".made: NOT NULL and without a default on the target, but not copied"));
}

TEST(Misfits, NotNullColumnsThatFillThemselves) {
  const TableShape source = shape_of({column("id", "bigint")});
  Column defaulted = column("a", "date", 1082, true), identity = column("b", "bigint", 20, true);
  Column generated = column("c", "bigint", 20, true);
  defaulted.has_default = true;
  identity.identity = 'd';
  generated.generated = "(id + 1)";
  const TableShape target =
      shape_of({column("id", "bigint"), defaulted, identity, generated, column("d", "date")});
  EXPECT_THAT(misfits(source, target, {}), IsEmpty());
}

TEST(TravellingColumns, WithoutThoseThatTheTargetComputes) {
  Column made = column("made", "bigint");
  made.generated = "(id + 1)";
  const TableShape plain = shape_of({column("id", "bigint"), column("made", "bigint")});
  const TableShape computing = shape_of({column("id", "bigint"), made});
  EXPECT_THAT(travelling_columns(computing, nullptr, {}), ElementsAre("id")) << "the new table computes it";
  EXPECT_THAT(travelling_columns(computing, &computing, {}), ElementsAre("id"));
  EXPECT_THAT(travelling_columns(plain, &computing, {}), ElementsAre("id"));
  EXPECT_THAT(travelling_columns(computing, &plain, {}), ElementsAre("id", "made")) << "else it stayed empty";
  EXPECT_THAT(travelling_columns(plain, nullptr, {"made", "id"}), ElementsAre("id", "made")) << "in source order";
  EXPECT_THAT(travelling_columns(plain, nullptr, {"made"}), ElementsAre("made"));
}

TEST(BinaryCopy, NeedsSameVersionTypesAndPortableForm) {
  const TableShape source = shape_of({column("id", "bigint", 20), column("mood", "s.mood", 20001)});
  TableShape target = source;
  std::string reason;
  EXPECT_TRUE(binary_copy_possible(source, target, {"id"}, 150020, 150001, &reason));
  EXPECT_EQ(reason, "");
  EXPECT_FALSE(binary_copy_possible(source, target, {"id"}, 150020, 170001, &reason));
  EXPECT_THAT(reason, HasSubstr("15 and 17"));
  target.columns[1].binary_safe = false;
  EXPECT_FALSE(binary_copy_possible(source, target, {"id", "mood"}, 150020, 150020, &reason));
  EXPECT_THAT(reason, HasSubstr("s.mood"));
  EXPECT_FALSE(binary_copy_possible(source, target, {"mood", "a", "b", "c", "d", "id"}, 150020, 150020, &reason));
  EXPECT_THAT(reason, testing::StartsWith("type s.mood of column mood"));
  EXPECT_THAT(reason, testing::EndsWith("; column a is not on both sides; column b is not on both sides; and 2 more columns"));
  target.columns[0] = column("id", "numeric", 1700);
  EXPECT_FALSE(binary_copy_possible(source, target, {"id"}, 150020, 150020, &reason));
  EXPECT_THAT(reason, HasSubstr("bigint on the source and numeric on the target"));
  EXPECT_FALSE(binary_copy_possible(source, target, {"gone"}, 150020, 150020, nullptr));
}

}  // namespace
}  // namespace pghaul::catalog
