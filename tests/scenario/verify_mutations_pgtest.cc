// Single changes of all kinds, in columns of all kinds: each is found, with its key.
#include <random>
#include <utility>

#include "scenario/verify_test.h"

namespace pghaul::test {
namespace {

struct Mutation {
  const char* column;
  const char* sql;  // what becomes of it; must be another value, if only by a byte
};

constexpr auto columns =
    "id bigint PRIMARY KEY, b bool, i2 smallint, i4 int, i8 bigint, n numeric, f4 real, f8 float8, t text, "
    "v varchar(100), c char(8), by bytea, d date, ts timestamp, tz timestamptz, ti time, ttz timetz, iv "
    "interval, u uuid, "
    "j json, jb jsonb, a int[], ta text[], r int4range, mr int8multirange, ip inet, bt bit varying, e mood, "
    "dm positive, "
    "cp pair, x xml, tsv tsvector, m macaddr, p point, l pg_lsn, mo money";

// Values that look alike to somebody: to hashes that fold 64 bits, to `=`, to eyes.
constexpr auto values =
    "g, g % 3 = 0, g, g, g, g + 0.5, 0, 0, 'text ' || g, 'v' || g, 'c', ('\\x00ff' || lpad(to_hex(g), 8, "
    "'0'))::bytea, "
    "'2026-01-01'::date + g, '2026-01-01'::timestamp + g * interval '1 s', 'epoch'::timestamptz + g * "
    "interval '1 s', "
    "'10:00'::time, '10:00+02'::timetz, '1 day', md5(g::text)::uuid, '{\"a\": 1}', '{\"a\": 1.0}', ARRAY[1, "
    "NULL, g], "
    "ARRAY['x', ''], int4range(g, g + 5), '{[1,5)}', '10.0.0.1/24', B'101', 'ok', g, ROW(g, 'y')::pair, "
    "'<a/>', "
    "'word:1', '08:00:2b:01:02:03', '(1,0)', '0/1', 5";

constexpr Mutation mutations[] = {
    {"b", "NOT b"},
    {"b", "NULL"},
    {"i2", "i2 + 1"},
    {"i4", "-i4"},
    {"i8", "i8 << 32"},
    {"i8", "~i8"},
    {"n", "n + 0.01"},
    {"n", "n::numeric(30,5)"},
    {"n", "'NaN'"},
    {"n", "NULL"},
    {"f4", "'-0'"},
    {"f8", "'-0'"},
    {"f8", "'5e-324'"},
    {"t", "t || ' '"},
    {"t", "overlay(t PLACING 'T' FROM 1)"},
    {"t", "''"},
    {"t", "NULL"},
    {"v", "' ' || v"},
    {"v", "v || chr(160)"},
    {"c", "'C'"},
    {"by", "set_byte(by, 0, 1)"},
    {"by", "by || '\\x00'"},
    {"d", "'infinity'"},
    {"d", "d + 1"},
    {"ts", "ts + '1 microsecond'"},
    {"ts", "'-infinity'"},
    {"tz", "tz + '4294.967296 s'"},
    {"ti", "'24:00'"},
    {"ttz", "'09:00+01'"},
    {"iv", "'24:00:00'"},
    {"iv", "'-1 day'"},
    {"u", "reverse(u::text)::uuid"},
    {"j", "'{\"a\":1}'"},
    {"j", "'{\"a\": 1, \"a\": 1}'"},
    {"jb", "'{\"a\": 1.00}'"},
    {"jb", "'{\"A\": 1.0}'"},
    {"jb", "'null'"},
    {"jb", "NULL"},
    {"a", "('[2:4]=' || a::text)::int[]"},
    {"a", "a || 1"},
    {"a", "'{}'"},
    {"ta", "ARRAY['', 'x']"},
    {"ta", "ARRAY['x', NULL]"},
    {"r", "'empty'"},
    {"r", "int4range(g, g + 6)"},
    {"mr", "'{[1,5),[7,8)}'"},
    {"ip", "'10.0.0.1/25'"},
    {"ip", "'10.0.0.1'"},
    {"bt", "bt || B'0'"},
    {"e", "'sad'"},
    {"e", "'OK'"},
    {"dm", "dm + 1"},
    {"cp", "ROW(g, 'y ')::pair"},
    {"cp", "ROW(NULL, NULL)::pair"},
    {"cp", "NULL"},
    {"x", "'<a />'"},
    {"tsv", "'word:2'"},
    {"m", "'08:00:2b:01:02:04'"},
    {"p", "'(0,1)'"},
    {"l", "'1/0'"},
    {"mo", "mo * 2"},
};

constexpr int tables = 25, rows = 200;

class VerifyMutations : public VerifyTest {
 protected:
  void SetUp() override {
    const char* const given = std::getenv("PGHAUL_TEST_SEED");
    const auto seed = given != nullptr ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
    std::cout << "PGHAUL_TEST_SEED=" << seed << "\n";
    random_.seed(seed);
    std::string sql =
        "CREATE TYPE mood AS ENUM ('ok', 'sad', 'OK'); CREATE DOMAIN positive AS int CHECK (VALUE > 0); "
        "CREATE TYPE pair AS (a int, b text); ";
    sql += fmt::format(
        "CREATE TABLE original ({}); INSERT INTO original SELECT {} FROM generate_series(1, {}) g; ", columns,
        values, rows);
    for (int i = 0; i < tables; ++i)
      sql += fmt::format("CREATE TABLE t{} (LIKE original INCLUDING ALL); ", i);
    sql += restored();
    // OIDs of types are others there, and so are their enum labels'.
    source_sql(sql);
    target_sql("CREATE TYPE shift AS ENUM ('x', 'y'); CREATE TABLE shifted (e shift); " + sql);
  }
  static std::string restored() {
    std::string sql;
    for (int i = 0; i < tables; ++i)
      sql += fmt::format("DELETE FROM t{0}; INSERT INTO t{0} TABLE original; ", i);
    return sql;
  }
  int roll(int from, int to) { return std::uniform_int_distribution(from, to)(random_); }

  // Of one row of the table, on one side or the other. What a comparison has to say of it.
  Rows mutate(int table) {
    const int id = roll(1, rows), kind = roll(1, 20);
    const bool on_source = roll(1, 4) == 1;
    const auto run = [&](const std::string& sql) {
      (on_source ? source_changes_ : target_changes_) += sql + "; ";
    };
    if (kind == 1) {
      run(fmt::format("DELETE FROM t{} WHERE id = {}", table, id));
      return {fmt::format("id={} {}", id, on_source ? "0:1" : "1:0")};
    }
    if (kind == 2) {
      run(fmt::format("INSERT INTO t{0} (id, t) SELECT id + 1000, t FROM t{0} WHERE id = {1}", table, id));
      return {fmt::format("id={} {}", id + 1000, on_source ? "1:0" : "0:1")};
    }
    if (kind == 3) {  // two rows exchange a value
      const int other = id % rows + 1;
      run(fmt::format(
          "UPDATE t{0} AS x SET t = y.t FROM t{0} AS y WHERE x.id IN ({1}, {2}) AND y.id = {1} + {2} - x.id",
          table, id, other));
      return {fmt::format("id={} 1:1 t", id), fmt::format("id={} 1:1 t", other)};
    }
    const auto& chosen = mutations[roll(0, static_cast<int>(std::size(mutations)) - 1)];
    run(fmt::format("UPDATE t{} SET {} = {} FROM (SELECT {}::int) AS one (g) WHERE id = g", table,
                    chosen.column, chosen.sql, id));
    return {fmt::format("id={} 1:1 {}", id, chosen.column)};
  }
  void change_both() {
    if (!source_changes_.empty()) source_sql(std::exchange(source_changes_, {}));
    if (!target_changes_.empty()) target_sql(std::exchange(target_changes_, {}));
  }

 private:
  std::mt19937 random_;
  std::string source_changes_, target_changes_;
};

TEST_F(VerifyMutations, AllAreFound) {
  Arguments arguments{"--json"};
  for (int i = 0; i < tables; ++i) arguments.insert(arguments.end(), {"--table", fmt::format("t{}", i)});
  const auto equal = verify(arguments);
  ASSERT_EQ(equal.status, 0) << equal;
  const int wanted = times_of("PGHAUL_TEST_MUTATIONS", 500);
  for (int tried = 0; tried < wanted; tried += tables) {
    std::vector<Rows> expected;
    for (int i = 0; i < tables; ++i) expected.push_back(mutate(i));
    change_both();
    const auto result = verify(arguments);
    EXPECT_EQ(result.status, 1) << result.err;
    const auto document = json_of(result);
    std::vector<Rows> found;
    for (const auto& table : document["tables"]) found.push_back(differences(table));
    EXPECT_EQ(found, expected);
    both_sql(restored());
    if ((tried / tables + 1) % 20 == 0) std::cout << tried + tables << " mutations" << "\n" << std::flush;
  }
}

}  // namespace
}  // namespace pghaul::test
