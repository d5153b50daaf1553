#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/catalog.h"
#include "catalog/target_ddl.h"
#include "support/servers.h"

namespace pghaul::catalog {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Names with spaces, quotes and SQL in them; every kind of column and index.
constexpr const char* nasty_schema = R"(
CREATE SCHEMA "odd "" schema";
SET search_path = "odd "" schema", public;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE SEQUENCE shared_numbers INCREMENT 5 CACHE 7 CYCLE;
CREATE TABLE "t USING btree (x) "" ON" (
  id bigint GENERATED ALWAYS AS IDENTITY,
  gone_first text,
  "Na me" varchar(20) COLLATE "C" NOT NULL,
  "a "" USING btree " integer DEFAULT nextval('shared_numbers'),
  amount numeric(10,2)[] NOT NULL DEFAULT '{}',
  feeling mood,
  feelings mood[],
  natural_number positive,
  price money,
  span int4range,
  doubled bigint GENERATED ALWAYS AS ((id * 2)) STORED,
  made timestamp(3) with time zone,
  gone_last text
);
ALTER TABLE "t USING btree (x) "" ON" DROP COLUMN gone_first, DROP COLUMN gone_last;
ALTER TABLE "t USING btree (x) "" ON" ADD CONSTRAINT "pk "" USING " PRIMARY KEY (id) WITH (fillfactor = 80);
ALTER TABLE "t USING btree (x) "" ON" ADD CONSTRAINT later UNIQUE ("Na me") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "t USING btree (x) "" ON" ADD CONSTRAINT soon UNIQUE ("a "" USING btree ") INCLUDE (made);
ALTER TABLE "t USING btree (x) "" ON" ADD CONSTRAINT apart EXCLUDE USING gist (span WITH &&);
CREATE INDEX "i USING hash " ON "t USING btree (x) "" ON" (lower("Na me") COLLATE "C" text_pattern_ops, id DESC)
  WHERE feeling = 'good';
CREATE UNIQUE INDEX one_made ON "t USING btree (x) "" ON" (made NULLS FIRST) NULLS NOT DISTINCT;
)";

const TableName nasty{"odd \" schema", "t USING btree (x) \" ON"};

class CatalogShape : public test::ServersTest {
 protected:
  static pg::Connection connect(Side side, const std::string& conninfo) {
    pg::SessionOptions options;
    options.settings = {{"search_path", ""}};
    return pg::Connection(pg::parse_endpoint(side, conninfo), options);
  }
  static Deadline soon() { return Deadline::after(std::chrono::seconds(30)); }

  std::optional<TableShape> shape_on_source(const TableName& name) {
    auto connection = connect(Side::source, source_conninfo());
    return read_table_shape(connection, name, soon());
  }
  TableShape shape(const std::string& name) { return shape_on_source({"public", name}).value(); }
  std::optional<IntegerKey> key_of(const std::string& definition) {
    source_sql("DROP TABLE IF EXISTS k; CREATE TABLE k " + definition);
    return shape("k").key;
  }
};

const Index& index_named(const TableShape& shape, const std::string& name) {
  return *std::find_if(shape.indexes.begin(), shape.indexes.end(),
                       [&](const Index& index) { return index.name == name; });
}

TEST_F(CatalogShape, NastyTableColumns) {
  source_sql(nasty_schema);
  const TableShape shape = shape_on_source(nasty).value();
  EXPECT_EQ(shape.kind, 'r');
  EXPECT_EQ(shape.persistence, 'p');
  EXPECT_EQ(shape.fingerprint(),
            "\"id\" bigint not null, \"Na me\" character varying(20) not null, \"a \"\" USING btree \" integer, "
            "\"amount\" numeric(10,2)[] not null, \"feeling\" \"odd \"\" schema\".mood, "
            "\"feelings\" \"odd \"\" schema\".mood[], \"natural_number\" \"odd \"\" schema\".positive, "
            "\"price\" money, \"span\" int4range, \"doubled\" bigint generated, "
            "\"made\" timestamp(3) with time zone");
  EXPECT_EQ(shape.column("id")->identity, 'a');
  EXPECT_FALSE(shape.column("id")->has_default);
  EXPECT_EQ(shape.column("Na me")->number, 3) << "the dropped column keeps its number";
  EXPECT_EQ(shape.column("Na me")->collation, "pg_catalog.\"C\"");
  EXPECT_EQ(shape.column("feeling")->collation, "");
  EXPECT_TRUE(shape.column("amount")->has_default);
  EXPECT_EQ(shape.column("doubled")->generated, "(id * 2)");
  EXPECT_FALSE(shape.column("doubled")->has_default);
  EXPECT_EQ(shape.column("feelings")->type_kind, 'e');
  EXPECT_EQ(shape.column("natural_number")->type_kind, 'd');
  EXPECT_EQ(shape.column("feeling")->type_schema, "odd \" schema");
}

TEST_F(CatalogShape, BinaryFormIsAllowedForBuiltInTypesOnly) {
  source_sql(nasty_schema);
  std::vector<std::string> unsafe;
  const auto nasty_shape = shape_on_source(nasty).value();
  for (const Column& column : nasty_shape.columns) {
    if (!column.binary_safe) unsafe.push_back(column.name);
  }
  EXPECT_THAT(unsafe, ElementsAre("feeling", "feelings", "natural_number", "price"));

  source_sql("CREATE TYPE pair AS (a int, b int);"
             "CREATE TABLE more (o oid, r regclass, c pair, v int2vector, ov oidvector, i int[], j jsonb[], p point,"
             " n name, x xid, z timestamptz, u uuid, b bytea)");
  std::vector<std::string> safe;
  for (const Column& column : shape("more").columns) {
    if (column.binary_safe) safe.push_back(column.name);
  }
  EXPECT_THAT(safe, ElementsAre("i", "j", "p", "n", "z", "u", "b"));
}

// The list of OIDs against the server's own names.
TEST_F(CatalogShape, AllowListHoldsTheTypesItNames) {
  const auto safe_types = [&](const std::string& names) {
    source_sql("DROP TABLE IF EXISTS x; CREATE TABLE x (" + names + ")");
    const TableShape read = shape("x");
    return std::count_if(read.columns.begin(), read.columns.end(), [](const Column& c) { return c.binary_safe; });
  };
  EXPECT_EQ(safe_types("a bool, b bytea, c \"char\", d name, e int8, f int2, g int4, h text, i json, j xml, k point,"
                       "l lseg, m path, n box, o polygon, p line, q cidr, r float4, s float8, t circle, u macaddr8,"
                       "v macaddr, w inet, x char(3), y varchar, z date, aa time, ab timestamp, ac timestamptz,"
                       "ad interval, ae timetz, af bit(3), ag varbit, ah numeric, ai uuid, aj jsonb, ak int4range,"
                       "al numrange, am tsrange, an tstzrange, ao daterange, ap int8range, aq int4multirange,"
                       "ar nummultirange, as_ tsmultirange, at tstzmultirange, au datemultirange, av int8multirange"),
            48);
  EXPECT_EQ(safe_types("a money, b oid, c regproc, d regtype, e tid, f xid, g cid, i regrole[], j money[]"), 0);
}

TEST_F(CatalogShape, NastyTableIndexes) {
  source_sql(nasty_schema);
  const TableShape shape = shape_on_source(nasty).value();
  ASSERT_EQ(shape.indexes.size(), 6U);
  EXPECT_EQ(shape.indexes[0].name, "pk \" USING ");
  EXPECT_TRUE(shape.indexes[0].primary && shape.indexes[0].unique && shape.indexes[0].immediate);
  EXPECT_EQ(shape.indexes[0].definition_tail, "USING btree (id) WITH (fillfactor='80')");

  const Index& later = index_named(shape, "later");
  EXPECT_EQ(later.constraint_type, "u");
  EXPECT_TRUE(later.constraint && later.deferrable && later.deferred);
  EXPECT_FALSE(later.immediate);

  const Index& soon_index = index_named(shape, "soon");
  EXPECT_THAT(soon_index.columns, ElementsAre("a \" USING btree "));
  EXPECT_THAT(soon_index.uses, ElementsAre("a \" USING btree ", "made"));
  EXPECT_EQ(index_named(shape, "apart").constraint_type, "x");

  const Index& partial = index_named(shape, "i USING hash ");
  EXPECT_TRUE(partial.partial);
  EXPECT_FALSE(partial.unique || partial.constraint);
  EXPECT_THAT(partial.columns, ElementsAre("", "id"));
  EXPECT_THAT(partial.uses, ElementsAre("id", "Na me", "feeling"));
  EXPECT_TRUE(index_named(shape, "one_made").nulls_not_distinct);
}

TEST_F(CatalogShape, NastyTableSequences) {
  source_sql(nasty_schema);
  const TableShape shape = shape_on_source(nasty).value();
  ASSERT_EQ(shape.sequences.size(), 2U);
  EXPECT_EQ(shape.sequences[0].column, "id");
  EXPECT_EQ(shape.sequences[0].cache, 1);
  EXPECT_EQ(shape.sequences[1].column, "a \" USING btree ");
  EXPECT_EQ(shape.sequences[1].name, "shared_numbers");
  EXPECT_EQ(shape.sequences[1].schema, "odd \" schema");
  EXPECT_EQ(shape.sequences[1].increment, 5);
  EXPECT_EQ(shape.sequences[1].cache, 7);
  EXPECT_TRUE(shape.sequences[1].cycle);
}

TEST_F(CatalogShape, SerialHasItsSequenceOnce) {
  source_sql("CREATE TABLE s (id bigserial PRIMARY KEY, data jsonb)");
  ASSERT_EQ(shape("s").sequences.size(), 1U);
  EXPECT_EQ(shape("s").sequences[0].name, "s_id_seq");
}

TEST_F(CatalogShape, KeyIsThePrimaryKeyFirst) {
  EXPECT_EQ(key_of("(a int UNIQUE NOT NULL, id bigint PRIMARY KEY)")->column, "id");
  EXPECT_EQ(key_of("(a int UNIQUE, b smallint UNIQUE NOT NULL)")->column, "b");
  const auto nullable = key_of("(a int UNIQUE, b int)").value();
  EXPECT_TRUE(nullable.nullable && !nullable.primary);
  EXPECT_EQ(nullable.type, "integer");
  EXPECT_EQ(nullable.index, "k_a_key");
}

TEST_F(CatalogShape, WhatIsNoKey) {
  EXPECT_FALSE(key_of("(a int)"));
  EXPECT_FALSE(key_of("(a text PRIMARY KEY)"));
  EXPECT_FALSE(key_of("(a numeric PRIMARY KEY)"));
  EXPECT_FALSE(key_of("(a int, b int, PRIMARY KEY (a, b))"));
  EXPECT_FALSE(key_of("(a int UNIQUE DEFERRABLE)"));
  EXPECT_FALSE(key_of("(a int); CREATE INDEX ON k (a)"));
  EXPECT_FALSE(key_of("(a int); CREATE UNIQUE INDEX ON k (a) WHERE a > 0"));
  EXPECT_FALSE(key_of("(a int); CREATE UNIQUE INDEX ON k ((a + 1))"));
  EXPECT_TRUE(key_of("(a int, b int); CREATE UNIQUE INDEX ON k (a) INCLUDE (b)"));
}

TEST_F(CatalogShape, InvalidIndexIsNoKey) {
  source_sql("CREATE TABLE k (a int); INSERT INTO k VALUES (1), (1)");
  EXPECT_NE(test::try_psql(source_conninfo(), "CREATE UNIQUE INDEX CONCURRENTLY broken ON k (a)").status, 0);
  const TableShape read = shape("k");
  ASSERT_EQ(read.indexes.size(), 1U);
  EXPECT_FALSE(read.indexes[0].valid);
  EXPECT_FALSE(read.key);
}

TEST_F(CatalogShape, OtherRelations) {
  source_sql("CREATE TABLE parent (id int PRIMARY KEY) PARTITION BY RANGE (id);"
             "CREATE TABLE part PARTITION OF parent FOR VALUES FROM (1) TO (9);"
             "CREATE VIEW v AS SELECT * FROM parent; CREATE UNLOGGED TABLE u (id int)");
  EXPECT_EQ(shape("parent").kind, 'p');
  EXPECT_TRUE(shape("parent").has_children);
  EXPECT_EQ(shape("parent").indexes[0].definition_tail, "USING btree (id)") << "made ON ONLY";
  EXPECT_TRUE(shape("part").is_partition);
  EXPECT_EQ(shape("v").kind, 'v');
  EXPECT_EQ(shape("u").persistence, 'u');
  EXPECT_FALSE(shape_on_source({"public", "V"}));
  EXPECT_FALSE(shape_on_source({"nowhere", "v"}));
  EXPECT_FALSE(shape_on_source({"public", std::string(63, 'x') + "y"}));
}

TEST_F(CatalogShape, SizesAndFilenode) {
  source_sql("CREATE TABLE s (id int, data text)");
  EXPECT_EQ(shape("s").row_estimate, -1);
  EXPECT_EQ(shape("s").pages, 0);
  source_sql("ALTER TABLE s ALTER data SET STORAGE EXTERNAL;"
             "INSERT INTO s SELECT i, repeat('x', 100000) FROM generate_series(1, 100) i; ANALYZE s");
  const TableShape filled = shape("s");
  EXPECT_EQ(filled.row_estimate, 100);
  EXPECT_EQ(filled.heap_bytes, filled.pages * 8192);
  EXPECT_GT(filled.table_bytes, 10'000'000) << "TOAST counts";
  EXPECT_LT(filled.heap_bytes, 100'000);
  source_sql("TRUNCATE s");
  EXPECT_NE(shape("s").filenode, filled.filenode);
  EXPECT_EQ(shape("s").oid, filled.oid);
}

// A result describes a domain, and a domain over it, as what is below.
TEST_F(CatalogShape, DomainsAreSentAsTheirBaseType) {
  source_sql("CREATE DOMAIN a AS int; CREATE DOMAIN b AS a; CREATE TABLE d (x b, y a[], z int)");
  const auto read = shape("d");
  EXPECT_EQ(read.column("x")->sent_type_oid, 23U);
  EXPECT_NE(read.column("x")->type_oid, 23U);
  EXPECT_EQ(read.column("y")->sent_type_oid, read.column("y")->type_oid);
  EXPECT_EQ(read.column("z")->sent_type_oid, 23U);
}

TEST_F(CatalogShape, RowsAreEstimatedFromTheSizeOfNow) {
  source_sql("CREATE TABLE grown (i int) WITH (autovacuum_enabled = off); INSERT INTO grown SELECT generate_series(1, 1000);"
             "ANALYZE grown; INSERT INTO grown SELECT generate_series(1, 9000)");
  EXPECT_NEAR(shape("grown").row_estimate, 10'000, 1500);
  source_sql("TRUNCATE grown");
  EXPECT_LE(shape("grown").row_estimate, 0);
}

TEST_F(CatalogShape, RowSecurityIsThatOfTheRole) {
  source_sql("CREATE TABLE s (id int); ALTER TABLE s ENABLE ROW LEVEL SECURITY;"
             "DROP ROLE IF EXISTS shape_reader; CREATE ROLE shape_reader LOGIN; GRANT SELECT ON s TO shape_reader");
  EXPECT_FALSE(shape("s").row_security) << "a superuser sees all rows";
  pg::SessionOptions options;
  options.settings = {{"search_path", ""}, {"row_security", "off"}};
  const auto conninfo = test::source_server().conninfo(database(), "shape_reader");
  pg::Connection reader(pg::parse_endpoint(Side::source, conninfo), options);
  EXPECT_TRUE(read_table_shape(reader, {"public", "s"}, soon())->row_security);
  source_sql("DROP OWNED BY shape_reader; DROP ROLE shape_reader");
}

// The DDL made from the shape gives, on another server, what the server says of the original.
TEST_F(CatalogShape, DdlMakesTheSameTableElsewhere) {
  source_sql(nasty_schema);
  target_sql("CREATE SCHEMA \"odd \"\" schema\"; SET search_path = \"odd \"\" schema\";"
             "CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE DOMAIN positive AS integer CHECK (VALUE > 0);");
  const TableShape source = shape_on_source(nasty).value();
  auto target = connect(Side::target, target_conninfo());
  target.run(create_table_sql(source, nasty, {}), soon());
  for (const IndexBuild& build : index_builds(source, nasty, {})) {
    for (const std::string& statement : build.statements) target.run(statement, soon());
  }
  const TableShape made = read_table_shape(target, nasty, soon()).value();
  EXPECT_EQ(made.fingerprint(), source.fingerprint());
  EXPECT_THAT(misfits(source, made, {}), IsEmpty());
  EXPECT_EQ(made.column("id")->identity, 0);
  EXPECT_EQ(made.column("Na me")->collation, source.column("Na me")->collation);
  const std::string definitions =
      "SET search_path = ''; SELECT pg_get_indexdef(indexrelid) || coalesce(pg_get_constraintdef(k.oid), '')"
      " FROM pg_index i LEFT JOIN pg_constraint k ON conindid = indexrelid"
      " WHERE indrelid = (SELECT oid FROM pg_class WHERE relname LIKE 't USING%' AND relkind = 'r')"
      " AND contype IS DISTINCT FROM 'x' ORDER BY 1";
  const std::string expected = source_sql(definitions);
  EXPECT_EQ(std::count(expected.begin(), expected.end(), '\n'), 4);
  EXPECT_EQ(target_sql(definitions), expected);
}

TEST_F(CatalogShape, IndexesOfSomeColumns) {
  source_sql(nasty_schema);
  std::vector<std::string> names;
  for (const auto& build : index_builds(shape_on_source(nasty).value(), nasty, {"id", "Na me"})) {
    names.push_back(build.name);
  }
  EXPECT_THAT(names, ElementsAre("pk \" USING ", "later"));
}

}  // namespace
}  // namespace pghaul::catalog
