#include "catalog/members.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/catalog.h"
#include "support/servers.h"

namespace pghaul::catalog {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Members : public test::ServersTest {
 protected:
  Members() : connection_(pg::parse_endpoint(Side::source, source_conninfo()), empty_path()) {}
  static pg::SessionOptions empty_path() {
    pg::SessionOptions options;
    options.settings = {{"search_path", ""}};
    return options;
  }
  static Deadline soon() { return Deadline::after(std::chrono::seconds(30)); }
  TableShape shape(const std::string& name, Descendants descendants = Descendants::read) {
    return read_table_shape(connection_, {"public", name}, soon(), descendants).value();
  }
  static std::vector<std::string> names(const TableShape& shape) {
    std::vector<std::string> all;
    for (const auto& member : shape.members) all.push_back(member.name.display());
    return all;
  }

  pg::Connection connection_;
};

TEST_F(Members, LeavesOfAllLevels) {
  source_sql("CREATE SCHEMA other; CREATE TABLE t (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
             "CREATE TABLE sub PARTITION OF t FOR VALUES FROM (0) TO (100) PARTITION BY HASH (id);"
             "CREATE TABLE other.\"Leaf\" PARTITION OF sub FOR VALUES WITH (MODULUS 1, REMAINDER 0);"
             "CREATE TABLE moved (gone int, v text, id int NOT NULL); ALTER TABLE moved DROP gone;"
             "ALTER TABLE t ATTACH PARTITION moved DEFAULT;"
             "INSERT INTO t SELECT g, repeat('x', 500) FROM generate_series(1, 200) g; ANALYZE");
  const auto read = shape("t");
  EXPECT_THAT(names(read), ElementsAre("other.\"Leaf\"", "public.moved"));
  EXPECT_THAT(read.members[0].column_numbers, ElementsAre(1, 2));
  EXPECT_THAT(read.members[1].column_numbers, ElementsAre(3, 2));
  EXPECT_EQ(read.members[0].filenode, std::stoul(source_sql("SELECT pg_relation_filenode('other.\"Leaf\"')")));
  EXPECT_EQ(read.table_bytes, std::stoi(source_sql("SELECT pg_table_size('moved') + pg_table_size('other.\"Leaf\"')")));
  EXPECT_NEAR(read.row_estimate, 200, 1);
  EXPECT_TRUE(read.is_tree());
  EXPECT_FALSE(read.key_may_repeat());
  ASSERT_TRUE(read.key);
  EXPECT_EQ(read.key->column, "id");
  EXPECT_EQ(read.member(read.members[1].oid), &read.members[1]);
  EXPECT_EQ(read.member(read.oid), nullptr);
  const auto statistics = read_member_statistics(connection_, read.members, "id", soon());
  ASSERT_EQ(statistics.size(), 2u);
  EXPECT_EQ(statistics[0].histogram.front(), 1);
  EXPECT_EQ(statistics[1].histogram.front(), 100);
}

TEST_F(Members, NoneToday) {
  source_sql("CREATE TABLE t (id int) PARTITION BY RANGE (id); CREATE TABLE plain (id int)");
  EXPECT_TRUE(shape("t").is_tree());
  EXPECT_THAT(shape("t").members, IsEmpty());
  EXPECT_FALSE(shape("plain").is_tree());
}

TEST_F(Members, AnInheritanceTree) {
  source_sql("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE c (x int, v text, id int PRIMARY KEY);"
             "ALTER TABLE c INHERIT t; CREATE TABLE d (PRIMARY KEY (id)) INHERITS (c)");
  const auto read = shape("t");
  EXPECT_THAT(names(read), ElementsAre("public.t", "public.c", "public.d")) << "itself first";
  EXPECT_THAT(read.members[2].column_numbers, ElementsAre(3, 2));
  EXPECT_TRUE(read.key_may_repeat());
  EXPECT_TRUE(read.key);
  EXPECT_THAT(names(shape("t", Descendants::ignore)), IsEmpty());
  EXPECT_FALSE(shape("t", Descendants::ignore).is_tree());
  source_sql("ALTER TABLE d NO INHERIT c; ALTER TABLE c NO INHERIT t");
  EXPECT_FALSE(shape("t").is_tree());
}

// A key is one only if each table has it, and orders it in the same way.
TEST_F(Members, KeysThatSomeDoNotHave) {
  source_sql("CREATE TABLE t (id int, name text COLLATE \"C\" NOT NULL, CONSTRAINT p PRIMARY KEY (id));"
             "CREATE UNIQUE INDEX n ON t (name); CREATE TABLE c () INHERITS (t)");
  EXPECT_FALSE(shape("t").key);
  EXPECT_THAT(shape("t").ordered_keys, IsEmpty());
  EXPECT_THAT(shape("t").no_keys, testing::Contains("p: not every table that inherits has such an index"));
  for (const auto* index : {"CREATE INDEX x ON c (name)", "CREATE UNIQUE INDEX x ON c (name DESC)",
                            "CREATE UNIQUE INDEX x ON c (name COLLATE \"POSIX\")", "CREATE UNIQUE INDEX x ON c (name, id)",
                            "CREATE UNIQUE INDEX x ON c (name text_pattern_ops)",
                            "CREATE UNIQUE INDEX x ON c (name) WHERE id > 0", "CREATE UNIQUE INDEX x ON c (lower(name))"}) {
    source_sql(index);
    EXPECT_THAT(shape("t").ordered_keys, IsEmpty()) << index;
    source_sql("DROP INDEX x");
  }
  source_sql("CREATE UNIQUE INDEX x ON c (name) INCLUDE (id)");
  ASSERT_EQ(shape("t").ordered_keys.size(), 1u);
  EXPECT_EQ(shape("t").ordered_keys[0].index, "n");
  source_sql("CREATE UNIQUE INDEX ON c (id)");
  EXPECT_EQ(shape("t").key->column, "id");
  source_sql("CREATE TABLE more () INHERITS (c)");
  EXPECT_FALSE(shape("t").key);
}

TEST_F(Members, TemporaryTablesOfOthersAndPartitionsThatLeave) {
  source_sql("CREATE TABLE t (id int); CREATE TABLE p (id int) PARTITION BY RANGE (id);"
             "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (9) TO (10)");
  pg::Connection other(pg::parse_endpoint(Side::source, source_conninfo()), empty_path());
  other.run("CREATE TEMPORARY TABLE c () INHERITS (public.t)", soon());
  EXPECT_FALSE(shape("t").is_tree()) << "as the server reads it";
  // Somebody's snapshot keeps the second half of a concurrent detachment waiting.
  other.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM public.p", soon());
  EXPECT_NE(test::try_psql(source_conninfo(), "SET statement_timeout = '500ms'; ALTER TABLE p DETACH PARTITION p2 CONCURRENTLY")
                .status,
            0);
  EXPECT_THAT(names(shape("p")), ElementsAre("public.p1"));
}

TEST_F(Members, ForeignOnes) {
  source_sql("CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
             "CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE FOREIGN TABLE f PARTITION OF p DEFAULT SERVER s");
  EXPECT_EQ(shape("p").members.at(0).kind, 'f');
}

// Rights on all of them in one statement, and of children only on what is read.
TEST_F(Members, MissingGrants) {
  source_sql("DROP ROLE IF EXISTS reader; CREATE ROLE reader; CREATE TABLE t (id int, v text); CREATE TABLE c (x int) INHERITS (t);"
             "CREATE TABLE d () INHERITS (t); GRANT SELECT ON d TO reader; GRANT SELECT (v) ON c TO reader");
  connection_.run("SET ROLE reader", soon());
  const auto grants = [&](const std::vector<std::string>& columns) {
    return missing_source_grants(connection_, shape("t"), columns, soon());
  };
  EXPECT_THAT(grants({}), ElementsAre("GRANT SELECT ON TABLE public.t, public.c TO reader"));
  EXPECT_THAT(grants({"v", "id"}), testing::UnorderedElementsAre("GRANT SELECT (id, v) ON TABLE public.t TO reader",
                                                                "GRANT SELECT (id) ON TABLE public.c TO reader"));
  source_sql("GRANT SELECT (id, v) ON TABLE public.t, public.c TO reader");
  EXPECT_THAT(grants({}), IsEmpty());
  connection_.run("RESET ROLE", soon());
  source_sql("DROP OWNED BY reader; DROP ROLE reader");
}

}  // namespace
}  // namespace pghaul::catalog
