// For scenarios with keys of every kind, each in a table of its own.
#pragma once

#include "scenario/compatibility.h"
#include "scenario/copy_test.h"
#include "support/key_cases.h"

namespace pghaul::test {

class KeyKinds : public CopyTest {
 protected:
  static constexpr int killed = 128 + 9;

  // Named so that no table is called like a type.
  static const std::vector<KeyCase>& kinds() {
    static const auto all = [] {
      auto cases = key_cases();
      for (auto& kind : cases) kind.name = "of_" + kind.name;
      return cases;
    }();
    return all;
  }
  // Types, collations and extensions are there before on both sides; tables on the source alone.
  void make_tables(int rows) const {
    std::string both = "SET client_min_messages = error;", tables;
    for (const auto& kind : kinds()) {
      if (both.find(kind.setup) == std::string::npos) both += kind.setup + ";";
      auto table = kind;
      table.setup.clear();
      tables += key_table_sql(table, rows, "public." + kind.name);
    }
    source_sql(both + tables + "ANALYZE");
    target_sql(both);
  }
  static Arguments all_tables(const Arguments& more = {}) {
    Arguments arguments{"--chunk-by", "key", "--batch-rows", "40"};
    for (const auto& kind : kinds()) arguments.insert(arguments.end(), {"--table", "public." + kind.name});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  // The rows of all tables in their text form, in an order that is the same everywhere.
  std::string rows_of(const std::string& conninfo) const {
    std::string sql;
    for (const auto& kind : kinds()) {
      sql += fmt::format("{}SELECT '{}' AS name, t::text COLLATE \"C\" AS row FROM public.{} AS t",
                         sql.empty() ? "" : " UNION ALL ", kind.name, kind.name);
    }
    return table_digest(conninfo, sql + " ORDER BY 1, 2");
  }
  void expect_all_equal() const {
    EXPECT_EQ(rows_of(source_conninfo()), rows_of(target_conninfo()));
    EXPECT_EQ(target_sql("SELECT string_agg(DISTINCT state, ',') FROM pghaul.table_copy;"
                         "SELECT count(*) FROM pghaul.unfinished_chunks;"
                         "SELECT string_agg(DISTINCT kind, ',') FROM pghaul.chunk"),
              "complete\n0\nkey");
    EXPECT_EQ(target_sql("SELECT sum(rows) FROM pghaul.finished_chunks"),
              source_sql(fmt::format("SELECT {}", counts())));
  }
  // For docs/compatibility.md.
  void note_formats(bool identical) const {
    auto formats = record_formats();
    for (const auto& kind : key_cases()) {
      note_compatibility("key", kind.name, key_definition(kind), formats["public.of_" + kind.name], identical);
    }
  }
  std::string counts() const {
    std::string sum;
    for (const auto& kind : kinds())
      sum += fmt::format("{}(SELECT count(*) FROM public.{})", sum.empty() ? "" : " + ", kind.name);
    return sum;
  }
  // What is done must stay as it is: number, range, checksum and snapshot of each chunk.
  std::string done_chunks() const {
    return target_sql(
        "SELECT string_agg(format('%s/%s/%s [%s %s) %s %s', table_copy, generation, no, lower_bound, "
        "upper_bound, checksum, snapshot), e'\\n' ORDER BY table_copy, generation, no) "
        "FROM pghaul.chunk WHERE state = 'done'");
  }
  static bool has_all_lines(const std::string& text, const std::string& lines) {
    for (std::size_t at = 0; at < lines.size();) {
      const auto end = std::min(lines.find('\n', at), lines.size());
      if (text.find(lines.substr(at, end - at)) == std::string::npos) return false;
      at = end + 1;
    }
    return true;
  }
};

}  // namespace pghaul::test
