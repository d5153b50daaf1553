// S22, G16: names of every kind and of every byte go through a real copy, its plan, resume, gain and status.
// The test quotes by itself; what it compares with are the catalogs, asked by psql.
#include "scenario/copy_test.h"
#include "security/odd_names.h"

namespace pghaul::test {
namespace {

// All of them, in names of at most 63 bytes.
std::vector<std::string> names_of_all_bytes(int last, const std::function<std::string(int)>& character) {
  std::vector<std::string> names;
  for (int first = 1; first <= last; first += 30) {
    std::string name;
    for (int byte = first; byte < first + 30 && byte <= last; ++byte) name += character(byte);
    names.push_back(name);
  }
  return names;
}

class Names : public CopyTest {
 protected:
  // Schema, table, key, column, index and sequence of this name; the copies tell them apart by the table's
  // whole name.
  static std::string table_sql(const std::string& name, int number) {
    const auto q = quoted(name), schema = q, table = q + "." + q;
    const auto tail = name.size() < 60 ? name + "2" : name.substr(0, 60) + "2";
    return fmt::format(
        "CREATE SCHEMA {0}; CREATE SEQUENCE {0}.{1}; CREATE TABLE {2} ({0} bigint DEFAULT nextval({3}) "
        "PRIMARY KEY, {1} text);"
        "INSERT INTO {2} ({1}) SELECT repeat('v', 100) || {4} FROM generate_series(1, {4});"
        "CREATE INDEX {5} ON {2} ({1}); ALTER SEQUENCE {0}.{1} OWNED BY {2}.{0};",
        schema, quoted(tail), table, literal(quoted(name) + "." + quoted(tail)), number, quoted(tail + "i"));
  }
  static std::string literal(const std::string& text) {
    std::string result = " E'";
    for (const char c : text) result += c == '\'' || c == '\\' ? std::string(2, c) : std::string(1, c);
    return result + "'";
  }
  static Arguments of_tables(const std::string& verb, const std::string& source, const std::string& target,
                             const std::vector<std::string>& names, const Arguments& more = {}) {
    Arguments arguments{verb, "--source", source, "--target", target, "--progress", "none"};
    for (const auto& name : names)
      arguments.insert(arguments.end(), {"--table", quoted(name) + "." + quoted(name)});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  static void expect_exit(int status, const Arguments& arguments) {
    const auto result = run_pghaul(arguments, {}, 120s);
    EXPECT_EQ(result.status, status) << result;
  }
  // Names of everything in schemas that were made here.
  static std::string catalog(const std::string& conninfo) {
    return run_psql(
        conninfo,
        "SELECT pg_catalog.encode(pg_catalog.convert_to(pg_catalog.concat_ws('|', n.nspname, c.relname, "
        "c.relkind, a.attname), "
        "pg_catalog.getdatabaseencoding()), 'hex') FROM pg_class c JOIN pg_namespace n ON n.oid = "
        "c.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 WHERE c.oid >= 16384 "
        "AND "
        "c.relkind IN ('r', 'i') AND n.nspname NOT IN ('pghaul', 'pg_toast') ORDER BY 1");
  }
  static void expect_same(const std::string& source, const std::string& target,
                          const std::vector<std::string>& names) {
    EXPECT_EQ(catalog(source), catalog(target));
    for (const auto& name : names) {
      const auto rows = fmt::format("SELECT * FROM {0}.{0} AS t ORDER BY t.{0}", quoted(name));
      EXPECT_EQ(table_digest(source, rows), table_digest(target, rows)) << name;
    }
  }
  static void expect_whole_life(const std::string& source, const std::string& target,
                                const std::vector<std::string>& names) {
    std::string sql;
    for (const auto& name : names) sql += table_sql(name, static_cast<int>(names.size()) * 3);
    run_psql(source, sql + "ANALYZE");
    expect_exit(0, of_tables("plan", source, target, names));
    expect_exit(4, of_tables("copy", source, target, names, {"--max-chunks", "3"}));
    expect_exit(0, of_tables("plan", source, target, names, {"--json"}));
    expect_exit(0, of_tables("copy", source, target, names));
    expect_same(source, target, names);
    for (const auto& name : names) {
      run_psql(source, fmt::format("INSERT INTO {0}.{0} VALUES (100000, 'gained')", quoted(name)));
    }
    expect_exit(0, of_tables("copy", source, target, names, {"--late-rows", "scan"}));
    expect_same(source, target, names);
    const auto status = run_pghaul({"status", "--target", target, "--json"});
    EXPECT_EQ(status.status, 0) << status;
    EXPECT_EQ(json_of(status)["tables"].size(), names.size());
  }
  // The same database on both servers; dropped with the servers.
  std::pair<std::string, std::string> databases_of_encoding(const std::string& encoding) const {
    const auto name = database().substr(0, 50) + "_enc";
    for (auto* server : {&source_server(), &target_server()}) {
      run_psql(server->conninfo(),
               fmt::format("CREATE DATABASE {} TEMPLATE template0 ENCODING '{}' LC_COLLATE 'C' LC_CTYPE "
                           "'C'",
                           name, encoding));
    }
    const auto as_is = " client_encoding=" + encoding;
    return {source_server().conninfo(name) + as_is, target_server().conninfo(name) + as_is};
  }
};

TEST_F(Names, G16_OfSchemasTablesColumnsIndexesSequences) {
  expect_whole_life(source_conninfo(), target_conninfo(), odd_names());
}

// Types are made on both sides beforehand; the table, and what its key's ranges are written in, is pghaul's to name.
TEST_F(Names, G16_OfTypes) {
  std::string types, tables;
  Arguments arguments{"--json"};
  for (const auto& name : odd_names()) {
    const auto shorter = name.substr(0, std::min<std::size_t>(name.size(), 60));
    const auto schema = quoted(name), mood = schema + "." + quoted(name), domain = schema + "." + quoted(shorter + "d"),
               pair = schema + "." + quoted(shorter + "c");
    types += fmt::format("CREATE SCHEMA {0}; CREATE TYPE {1} AS ENUM ({2}, 'other'); CREATE DOMAIN {3} AS {1}; "
                         "CREATE TYPE {4} AS ({0} {1}, b {3}); ",
                         schema, mood, literal(name), domain, pair);
    tables += fmt::format("CREATE TABLE {0}.rows (k {1} PRIMARY KEY, d {2}, c {3}, a {1}[]); "
                          "INSERT INTO {0}.rows SELECT m, m, ROW(m, m)::{3}, ARRAY[m, NULL] "
                          "FROM unnest(enum_range(NULL::{1})) AS m; ",
                          schema, mood, domain, pair);
    arguments.insert(arguments.end(), {"--table", schema + ".rows"});
  }
  source_sql(types + tables);
  target_sql(types);
  EXPECT_EQ(copied(arguments)["tables"].size(), odd_names().size());
  for (const auto& name : odd_names()) {
    const auto rows = fmt::format("SELECT * FROM {}.rows AS t ORDER BY t.k", quoted(name));
    EXPECT_EQ(table_digest(source_conninfo(), rows), table_digest(target_conninfo(), rows)) << name;
  }
  const auto compared = run_pghaul(command("verify", arguments), {}, 120s);
  EXPECT_EQ(compared.status, 0) << compared;
}

TEST_F(Names, S22_OfEveryByte) {
  const auto [source, target] = databases_of_encoding("SQL_ASCII");
  expect_whole_life(source, target, names_of_all_bytes(255, [](int byte) {
                      return std::string(1, static_cast<char>(byte));
                    }));
}

TEST_F(Names, S22_OfEveryCharacterOfUtf8UpTo255) {
  const auto in_utf8 = [](int code) {
    if (code < 0x80) return std::string(1, static_cast<char>(code));
    return std::string{static_cast<char>(0xc0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3f))};
  };
  expect_whole_life(source_conninfo(), target_conninfo(), names_of_all_bytes(255, in_utf8));
}

TEST_F(Names, S22_OfEveryByteOfLatin1) {
  const auto [source, target] = databases_of_encoding("LATIN1");
  expect_whole_life(source, target, names_of_all_bytes(255, [](int byte) {
                      return std::string(1, static_cast<char>(byte));
                    }));
}

// H11 with such names: the GRANT that is advised can be typed as it is.
TEST_F(Names, S22_AdvisedGrantsAreQuoted) {
  const std::string name = "o'dd \"role\"; --";
  source_sql(fmt::format(
      "CREATE SCHEMA {0}; CREATE TABLE {0}.{0} ({0} int PRIMARY KEY); CREATE ROLE {0} LOGIN", quoted(name)));
  const auto source = source_server().conninfo(database(), name);
  for (int rights = 0; rights < 2; ++rights) {
    const auto result = run_pghaul(of_tables("copy", source, target_conninfo(), {name}));
    EXPECT_EQ(result.status, 3) << result;
    for (auto at = result.err.find("on the source: GRANT"); at != std::string::npos;
         at = result.err.find("on the source: GRANT", at + 1)) {
      const auto grant = result.err.substr(at + 15, result.err.find_first_of("\n", at) - at - 15);
      source_sql(grant.substr(0, grant.find("; on the source")));
    }
    if (run_pghaul(of_tables("plan", source, target_conninfo(), {name})).status == 0) break;
  }
  EXPECT_EQ(run_pghaul(of_tables("copy", source, target_conninfo(), {name})).status, 0);
}

}  // namespace
}  // namespace pghaul::test
