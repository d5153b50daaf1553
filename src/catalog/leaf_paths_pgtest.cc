#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "catalog/catalog.h"
#include "catalog/leaf_paths.h"
#include "support/servers.h"

namespace pghaul::catalog {
namespace {

class LeafPaths : public test::ServersTest {
 protected:
  // By name.
  static std::map<std::string, std::string> paths(Side side, const std::string& conninfo,
                                                  const std::string& role = "postgres") {
    const auto soon = Deadline::after(std::chrono::seconds(10));
    pg::Connection connection(pg::parse_endpoint(side, conninfo + " user=" + role), {});
    connection.run("SET search_path = ''", soon);
    const auto shape = read_table_shape(connection, {"public", "t"}, soon);
    std::map<std::string, std::string> found;
    for (const auto& each : read_leaf_paths(connection, shape->oid, soon)) found[each.name.name] = each.path;
    return found;
  }
  std::map<std::string, std::string> on_source() const { return paths(Side::source, source_conninfo()); }
  std::map<std::string, std::string> on_target() const { return paths(Side::target, target_conninfo()); }
};

TEST_F(LeafPaths, SayTheSameOfTheSameRows) {
  source_sql(
      "CREATE TABLE t (at date, id int) PARTITION BY RANGE (at);"
      "CREATE TABLE a PARTITION OF t FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');"
      "CREATE TABLE b PARTITION OF t FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY LIST (id);"
      "CREATE TABLE b1 PARTITION OF b FOR VALUES IN (1, 2); CREATE TABLE rest PARTITION OF t DEFAULT");
  // Other names, another order of the columns; one partition's bounds are others.
  target_sql(
      "CREATE TABLE t (id int, at date) PARTITION BY RANGE (at);"
      "CREATE TABLE x PARTITION OF t FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');"
      "CREATE TABLE y PARTITION OF t FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY LIST (id);"
      "CREATE TABLE y1 PARTITION OF y FOR VALUES IN (1, 3); CREATE TABLE others PARTITION OF t DEFAULT");
  auto here = on_source(), there = on_target();
  ASSERT_EQ(here.size(), 3);
  ASSERT_EQ(there.size(), 3);
  EXPECT_NE(here["a"], "");
  EXPECT_EQ(here["a"], there["x"]);
  EXPECT_EQ(here["rest"], there["others"]);
  EXPECT_NE(here["b1"], there["y1"]);
  target_sql("CREATE TABLE z PARTITION OF t FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')");
  there = on_target();
  EXPECT_EQ(here["a"], there["x"]);
  EXPECT_NE(here["rest"], there["others"]) << "its rows are in z there";
}

TEST_F(LeafPaths, HashesOfTheSameType) {
  const std::string partitions =
      "CREATE TABLE p0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
      "CREATE TABLE p1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1)";
  source_sql("CREATE TABLE t (id int) PARTITION BY HASH (id);" + partitions);
  target_sql("CREATE TABLE t (id int) PARTITION BY HASH (id);" + partitions);
  EXPECT_EQ(on_source() == on_target(), same_version());
  target_sql("DROP TABLE t; CREATE TABLE t (id bigint) PARTITION BY HASH (id);" + partitions);
  EXPECT_NE(on_source()["p0"], on_target()["p0"]);
}

TEST_F(LeafPaths, CollationsCount) {
  const std::string partition = "CREATE TABLE p PARTITION OF t FOR VALUES FROM ('a') TO ('z')";
  const auto with = [&](const std::string& collation) {
    return "DROP TABLE IF EXISTS t; CREATE TABLE t (name text COLLATE \"" + collation +
           "\") PARTITION BY RANGE (name);" + partition;
  };
  source_sql(with("C"));
  target_sql(with("C"));
  EXPECT_NE(on_source()["p"], "");
  EXPECT_EQ(on_source(), on_target());
  target_sql(with("und-x-icu"));
  EXPECT_NE(on_source(), on_target());
}

// What it does would have to be the same, too.
TEST_F(LeafPaths, ExpressionsAndTypesOfUsersAreUnknown) {
  source_sql(
      "CREATE TABLE t (name text) PARTITION BY LIST (lower(name)); CREATE TABLE p PARTITION OF t FOR VALUES "
      "IN ('a')");
  EXPECT_EQ(on_source()["p"], "");
  source_sql(
      "DROP TABLE t; CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TABLE t (m mood) PARTITION BY RANGE "
      "(m); CREATE TABLE p PARTITION OF t FOR VALUES FROM ('sad') TO ('happy')");
  EXPECT_EQ(on_source()["p"], "");
}

TEST_F(LeafPaths, NoneWhereARoleMayNotReadAPartition) {
  const auto role = database().substr(0, 40) + "_reader";
  source_sql(
      "CREATE TABLE t (id int) PARTITION BY LIST (id); CREATE TABLE p PARTITION OF t FOR VALUES IN (1);"
      "CREATE TABLE q PARTITION OF t DEFAULT; CREATE ROLE " +
      role + " LOGIN; GRANT SELECT ON t, p TO " + role);
  EXPECT_EQ(paths(Side::source, source_conninfo(), role).size(), 0);
  source_sql("GRANT SELECT ON q TO " + role);
  EXPECT_EQ(paths(Side::source, source_conninfo(), role).size(), 2);
}

}  // namespace
}  // namespace pghaul::catalog
