// Values of every type: built in, made by users, of extensions; in binary and as text, alone and in arrays.
#include <algorithm>
#include <iostream>

#include "scenario/compatibility.h"
#include "scenario/copy_test.h"
#include "support/type_cases.h"

namespace pghaul::test {
namespace {

class Types : public CopyTest {
 protected:
  // Those that can be made on both servers.
  std::vector<TypeCase> cases() const {
    auto all = type_cases();
    std::erase_if(all, [&](const TypeCase& of) {
      if (of.extension.empty()) return false;
      const bool there = has_extension(source_conninfo(), of.extension) && has_extension(target_conninfo(), of.extension);
      if (!there) std::cout << "SKIPPED " << of.name << ": extension " << of.extension << " is not installed on both sides\n";
      return !there;
    });
    return all;
  }
  static std::string table(const TypeCase& of) { return "public.of_" + of.name; }
  static bool is_array(const TypeCase& of) { return of.type.ends_with("[]"); }

  // A row for each value, as it is and in an array with bounds of its own and a NULL; then NULLs.
  static std::string table_sql(const TypeCase& of) {
    std::string sql = fmt::format("CREATE TABLE {} (n int PRIMARY KEY, v {}{});", table(of), of.type,
                                  is_array(of) ? "" : ", a " + of.type + "[]");
    int n = 0;
    for (const auto& value : of.values) {
      sql += fmt::format("INSERT INTO {} (n, v) VALUES ({}, ({})::{});", table(of), ++n, value, of.type);
    }
    if (!is_array(of)) {
      sql += fmt::format("UPDATE {} SET a[2] = v; UPDATE {} SET a[4] = v;", table(of), table(of));
    }
    return sql + fmt::format("INSERT INTO {} (n) VALUES (0);", table(of));
  }
  void make_tables(const std::vector<TypeCase>& all) const {
    std::string both = "SET client_min_messages = error;";
    for (const auto& of : all) {
      if (both.find(of.setup) == std::string::npos) both += of.setup + ";";
    }
    source_sql(both + tables_sql(all) + "ANALYZE");
    target_sql(both);
  }
  static std::string tables_sql(const std::vector<TypeCase>& all) {
    std::string tables = "BEGIN;";
    for (const auto& of : all) tables += table_sql(of);
    return tables + "COMMIT;";
  }
  static Arguments of_tables(const std::vector<TypeCase>& all, const Arguments& more = {}) {
    Arguments arguments = more;
    for (const auto& of : all) arguments.insert(arguments.end(), {"--table", table(of)});
    return arguments;
  }
  std::string digest_of(const std::string& conninfo, const std::vector<TypeCase>& all) const {
    std::string sql;
    for (const auto& of : all) {
      sql += fmt::format("{}SELECT '{}', n, t::text FROM {} AS t", sql.empty() ? "" : " UNION ALL ", of.name, table(of));
    }
    return table_digest(conninfo, sql + " ORDER BY 1, 2");
  }
  bool identical(const std::vector<TypeCase>& of) const {
    return digest_of(source_conninfo(), of) == digest_of(target_conninfo(), of);
  }
  static std::string rows_of(const std::string& conninfo, const TypeCase& of) {
    return run_psql(conninfo, fmt::format("SELECT * FROM {} ORDER BY n", table(of))).substr(0, 2000);
  }
  // Whatever built-in type the server has, a case has it, too.
  static void expect_no_type_is_forgotten(const std::string& conninfo) {
    // They cannot be in a table: their input functions refuse everything.
    constexpr auto inputless = "'gtsvector', 'pg_brin_bloom_summary', 'pg_brin_minmax_multi_summary', 'pg_dependencies', "
                               "'pg_mcv_list', 'pg_ndistinct', 'pg_node_tree'";
    const auto forgotten = fmt::format(
        "SELECT string_agg(typname, ', ' ORDER BY typname) FROM pg_type AS t WHERE typtype IN ('b', 'd', 'e', 'r', 'm') "
        "AND typnamespace = 'pg_catalog'::regnamespace AND typname NOT IN ({}) "
        "AND NOT EXISTS (SELECT FROM pg_type AS e WHERE e.typarray = t.oid) "
        "AND oid NOT IN (SELECT atttypid FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
        "AND relname LIKE 'of\\_%' AND relkind = 'r' AND attname = 'v')",
        inputless);
    EXPECT_EQ(run_psql(conninfo, forgotten), "");
  }
};

TEST_F(Types, G9_OfEveryKindArriveIdentical) {
  const auto all = cases();
  make_tables(all);
  const bool same_versions = same_version();
  copied(of_tables(all));
  auto formats = record_formats();
  EXPECT_EQ(formats.size(), all.size());
  const bool all_of_them = identical(all);
  for (const auto& of : type_cases()) {
    if (!formats.contains(table(of))) {
      note_compatibility("type", of.name, of.type, "–", true);
      continue;
    }
    const std::string format = of.binary && same_versions ? "binary" : "text";
    EXPECT_EQ(formats[table(of)], format) << of.name;
    const bool this_one = all_of_them || identical({of});
    EXPECT_TRUE(this_one) << of.name << "\nsource:\n"
                          << rows_of(source_conninfo(), of) << "\ntarget:\n"
                          << rows_of(target_conninfo(), of);
    note_compatibility("type", of.name, of.type, format, this_one);
  }
  EXPECT_EQ(target_sql("SELECT string_agg(DISTINCT state, ',') FROM pghaul.table_copy"), "complete");
  expect_no_type_is_forgotten(source_conninfo());
  expect_no_type_is_forgotten(target_conninfo());
}

// One column that has no portable form, and all others travel as text.
TEST_F(Types, G9_OfBinaryFormAsText) {
  auto all = cases();
  std::erase_if(all, [](const TypeCase& of) { return !of.binary; });
  make_tables(all);
  std::string columns = "n int PRIMARY KEY, kept_from_binary money", select = "SELECT g, 1", joins;
  for (const auto& of : all) {
    columns += fmt::format(", {} {}", "v_" + of.name, of.type);
    select += fmt::format(", of_{}.v", of.name);
    joins += fmt::format(" LEFT JOIN {0} ON {0}.n = g", table(of));
  }
  source_sql(fmt::format("SET join_collapse_limit = 1; CREATE TABLE public.everything ({}); INSERT INTO public.everything "
                         "{} FROM generate_series(0, 30) AS g{}",
                         columns, select, joins));
  const auto report = copied({"--table", "public.everything", "--batch-rows", "3"});
  expect_equal("public.everything", "n");
  EXPECT_EQ(target_sql("SELECT DISTINCT split_part(record_format, ' ', 1) FROM pghaul.finished_chunks"), "text");
}

TEST_F(Types, ValuesThatTheOlderServerDoesNotKnowAreRefused) {
  const auto interval = "SELECT 'infinity'::interval";
  if (try_psql(source_conninfo(), interval).status != 0 || try_psql(target_conninfo(), interval).status == 0) {
    GTEST_SKIP() << "infinite intervals are of version 17: this needs it as source, and an older target";
  }
  source_sql("CREATE TABLE public.t AS SELECT 1 AS id, 'infinity'::interval AS i");
  const auto result = copy({"--table", "t"});
  EXPECT_EQ(result.status, 5) << result;
  EXPECT_THAT(result.err, HasSubstr("[SQLSTATE 22007]"));
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.t"), "0");
}

TEST_F(Types, PlanNamesWhatKeepsRowsFromBinary) {
  source_sql("CREATE TYPE public.mood AS ENUM ('fine'); CREATE TABLE public.t (id int PRIMARY KEY, m public.mood, v text)");
  const auto planned = run_pghaul(command("plan", {"--table", "t", "--json"}));
  const auto report = json_of(planned);
  EXPECT_EQ(report["tables"][0]["record_format"], "text");
  EXPECT_THAT(report["tables"][0]["why_text"].dump(),
              HasSubstr(same_version() ? "type public.mood of column m is not known to be the same in binary"
                                       : "the servers' major versions differ"));
}

}  // namespace
}  // namespace pghaul::test
