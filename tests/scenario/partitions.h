// For scenarios with partitioned tables and inheritance trees: one of every kind, each with a table name of its own.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "scenario/copy_test.h"

namespace pghaul::test {

struct Tree {
  std::string name;    // of the table
  std::string create;  // {0}: the table's name
  std::string rows;    // INSERT … of the keys from {1} to {2} into {0}
  bool gains = false;  // has a single integer key
};

inline const std::vector<Tree>& trees() {
  static const std::string plain_rows =
      "INSERT INTO {0} (id, v) SELECT g, 'v' || g || repeat('x', g % 90) FROM generate_series({1}, {2}) g;";
  static const std::vector<Tree> all{
      // Leaves whose columns stand elsewhere, have dropped ones between them, or came later.
      {"public.by_range",
       "CREATE TABLE {0} (id bigint PRIMARY KEY, v text, n int DEFAULT 7) PARTITION BY RANGE (id);"
       "CREATE TABLE {0}_1 (gone int, v text, n int DEFAULT 7, id bigint NOT NULL); ALTER TABLE {0}_1 DROP gone;"
       "ALTER TABLE {0} ATTACH PARTITION {0}_1 FOR VALUES FROM (MINVALUE) TO (1000);"
       "CREATE TABLE {0}_2 PARTITION OF {0} FOR VALUES FROM (1000) TO (1001);"
       "CREATE TABLE {0}_3 PARTITION OF {0} FOR VALUES FROM (1001) TO (2000); CREATE TABLE {0}_rest PARTITION OF {0} DEFAULT;",
       plain_rows, true},
      {"public.by_hash",
       "CREATE TABLE {0} (v text, id int PRIMARY KEY) PARTITION BY HASH (id);"
       "CREATE TABLE {0}_0 PARTITION OF {0} FOR VALUES WITH (MODULUS 3, REMAINDER 0);"
       "CREATE TABLE {0}_1 PARTITION OF {0} FOR VALUES WITH (MODULUS 3, REMAINDER 1);"
       "CREATE TABLE {0}_2 PARTITION OF {0} FOR VALUES WITH (MODULUS 3, REMAINDER 2);",
       plain_rows, true},
      {"public.by_levels",
       "CREATE TABLE {0} (id bigint PRIMARY KEY, v text) PARTITION BY RANGE (id);"
       "CREATE TABLE {0}_low PARTITION OF {0} FOR VALUES FROM (0) TO (1500) PARTITION BY HASH (id);"
       "CREATE TABLE {0}_low0 PARTITION OF {0}_low FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
       "CREATE TABLE {0}_low1 PARTITION OF {0}_low FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
       "CREATE TABLE {0}_high PARTITION OF {0} DEFAULT PARTITION BY RANGE (id);"
       "CREATE TABLE {0}_none PARTITION OF {0}_high FOR VALUES FROM (-20) TO (0);"
       "CREATE TABLE {0}_all PARTITION OF {0}_high DEFAULT;",
       plain_rows, true},
      {"public.by_list",
       "CREATE TABLE {0} (id bigint, v text, region text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);"
       "CREATE TABLE {0}_eu PARTITION OF {0} FOR VALUES IN ('de', 'fr'); CREATE TABLE {0}_us PARTITION OF {0} FOR VALUES IN "
       "('us'); CREATE TABLE {0}_none PARTITION OF {0} FOR VALUES IN ('none'); CREATE TABLE {0}_rest PARTITION OF {0} DEFAULT;",
       "INSERT INTO {0} SELECT g, 'v' || g, (ARRAY['de', 'fr', 'us', 'xx'])[1 + g % 4] FROM generate_series({1}, {2}) g;"},
      // Without any index: pages.
      {"public.by_time",
       "CREATE TABLE {0} (at timestamptz, v text) PARTITION BY RANGE (at);"
       "CREATE TABLE {0}_1 PARTITION OF {0} FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');"
       "CREATE TABLE {0}_2 PARTITION OF {0} FOR VALUES FROM ('2020-02-01') TO ('2020-03-01');"
       "CREATE TABLE {0}_rest PARTITION OF {0} DEFAULT;",
       "INSERT INTO {0} SELECT timestamptz '2020-01-01' + g * interval '1 hour', repeat('v' || g, 20) "
       "FROM generate_series({1}, {2}) g; INSERT INTO {0} VALUES (NULL, 'no time');"},
      // Keys that stand in several of the tables, columns that only children have.
      {"public.inherited",
       "CREATE TABLE {0} (id int PRIMARY KEY, v text);"
       "CREATE TABLE {0}_child (extra int, v text, id int PRIMARY KEY); ALTER TABLE {0}_child INHERIT {0};"
       "CREATE TABLE {0}_grandchild (more text, PRIMARY KEY (id)) INHERITS ({0}_child);",
       plain_rows +
           "INSERT INTO {0}_child (id, v, extra) SELECT g, 'c' || g, 1 FROM generate_series({1}, {2}) g WHERE g % 2 = 0;"
           "INSERT INTO {0}_grandchild (id, v) SELECT g, 'g' || g FROM generate_series({1}, {2}) g WHERE g % 3 = 0;",
       true},
  };
  return all;
}

class Partitions : public CopyTest {
 protected:
  static constexpr int killed = 128 + 9;
  static constexpr int first_rows = 3000;

  static std::string filled(const std::string& sql, const std::string& table, int from = 0, int to = 0) {
    auto text = sql;
    for (const auto& [mark, value] :
         {std::pair<std::string, std::string>{"{0}", table}, {"{1}", std::to_string(from)}, {"{2}", std::to_string(to)}}) {
      for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + value.size())) {
        text.replace(at, mark.size(), value);
      }
    }
    return text;
  }
  static const Tree& tree(const std::string& name) {
    return *std::find_if(trees().begin(), trees().end(), [&](const Tree& each) { return each.name == name; });
  }
  void make(const Tree& tree, int rows = first_rows) const {
    source_sql(filled(tree.create, tree.name));
    add(tree, 1, rows);
    source_sql("ANALYZE " + tree.name);
  }
  void make_all() const {
    for (const auto& each : trees()) make(each);
  }
  void add(const Tree& tree, int from, int to) const { source_sql(filled(tree.rows, tree.name, from, to)); }
  static Arguments small_batches(const Arguments& more = {}) {
    Arguments arguments{"--batch-rows", "200", "--batch-bytes", "64kB"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  static Arguments all_tables(const Arguments& more = {}) {
    auto arguments = small_batches(more);
    for (const auto& each : trees()) arguments.insert(arguments.end(), {"--table", each.name});
    return arguments;
  }
  static Arguments one_table(const Tree& tree, const Arguments& more = {}) {
    auto arguments = small_batches(more);
    arguments.insert(arguments.end(), {"--table", tree.name});
    return arguments;
  }
  // All rows, those of partitions and children among them.
  static std::string rows_of(const std::string& table, const std::string& columns = "*") {
    return fmt::format("SELECT {} FROM {} AS t ORDER BY (SELECT x FROM (SELECT {}) AS r, LATERAL (SELECT r::text) AS y (x)) "
                       "COLLATE pg_catalog.\"C\"",
                       columns, table, columns == "*" ? "t.*" : columns);
  }
  void expect_same(const std::string& table) const {
    EXPECT_EQ(table_digest(source_conninfo(), rows_of(table)), table_digest(target_conninfo(), rows_of(table))) << table;
  }
  void expect_all_same() const {
    for (const auto& each : trees()) expect_same(each.name);
    EXPECT_EQ(target_sql("SELECT count(*) FROM pghaul.unfinished_chunks;"
                         "SELECT string_agg(DISTINCT state, ',') FROM pghaul.table_copy"),
              "0\ncomplete");
  }
  std::string count(const std::string& conninfo, const std::string& table) const {
    return run_psql(conninfo, "SELECT count(*) FROM " + table);
  }
  std::string generation() const { return target_sql("SELECT max(generation) FROM pghaul.table_copy"); }
};

}  // namespace pghaul::test
