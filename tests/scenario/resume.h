// For scenarios in which a copy dies and is started again.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/failpoint.h"
#include "scenario/copy_test.h"

namespace pghaul::test {

inline std::vector<std::string> names() { return {copy_failpoint_names().begin(), copy_failpoint_names().end()}; }

// Steps that a first copy of three tables does not take, or not three times; see the scenarios below.
inline const std::set<std::string> in_later_runs{"source.before_accept", "source.accepted",    "tail.before_delete",
                                          "tail.deleted",         "range.before_empty", "range.emptied",
                                          "rows.before_merge",    "rows.merged",        "failure.before_note",
                                          "failure.noted",        "stop.before_note",   "stop.noted"};
inline int hits_in_first_copy(const std::string& name) {
  static const std::map<std::string, int> fewer{{"ledger.before_create", 1},   {"ledger.created", 1},
                                                {"constraint.before_make", 2}, {"constraint.made", 2},
                                                {"owner.before_release", 1},   {"owner.released", 1}};
  const auto found = fewer.find(name);
  return found == fewer.end() ? 3 : found->second;
}

inline std::vector<std::string> names_of_first_copy() {
  auto all = names();
  std::erase_if(all, [](const auto& name) { return in_later_runs.contains(name); });
  return all;
}

inline std::string as_identifier(const testing::TestParamInfo<std::string>& info) {
  auto name = info.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

// Three tables, so that every step is taken at least three times: one with a key and no statistics, whose ranges are
// split when they are claimed; one without a key, read by pages; one that is small enough for a single chunk.
class Resume : public CopyTest {
 protected:
  static constexpr int killed = 128 + 9;

  void make_tables() const {
    source_sql(
        "CREATE TABLE public.profiles (id bigserial PRIMARY KEY, data jsonb) WITH (autovacuum_enabled = off);"
        "CREATE INDEX profiles_name ON public.profiles ((data ->> 'name'));"
        "INSERT INTO public.profiles SELECT g * 3, jsonb_build_object('name', 'n' || g) FROM generate_series(1, 1500) g;"
        "CREATE TABLE public.pages (v text) WITH (autovacuum_enabled = off); CREATE INDEX pages_v ON public.pages (v);"
        "INSERT INTO public.pages SELECT repeat(g::text, 100) FROM generate_series(1, 800) g;"
        "CREATE TABLE public.small (id int UNIQUE, v text); INSERT INTO public.small VALUES (NULL, 'x'), (-5, 'y')");
  }
  static Arguments three_tables(const Arguments& more = {}) {
    Arguments arguments{"--table", "profiles", "--table", "pages",    "--table", "small", "--batch-rows",
                        "30",      "--batch-bytes", "64kB"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  void forget_target() const {
    target_sql("DROP SCHEMA IF EXISTS pghaul CASCADE; DROP TABLE IF EXISTS public.profiles, public.pages, public.small");
  }
  static Environment failing(std::string_view name, const std::string& action) {
    return {{"PGHAUL_FAILPOINTS", fmt::format("{}={}", name, action)}};
  }
  // One look at all of it, as it is done a hundred times.
  void expect_all_equal() const {
    const auto rows = "SELECT 1 AS t, id::text, data::text FROM public.profiles UNION ALL "
                      "SELECT 2, NULL, v FROM public.pages UNION ALL SELECT 3, id::text, v FROM public.small ORDER BY 1, 2, 3";
    EXPECT_EQ(table_digest(source_conninfo(), rows), table_digest(target_conninfo(), rows));
    EXPECT_EQ(target_sql("SELECT string_agg(indexrelid::regclass::text, ',' ORDER BY indexrelid::regclass::text) "
                         "FROM pg_index WHERE indrelid::regclass::text IN ('profiles', 'pages', 'small') AND indisvalid;"
                         "SELECT string_agg(state, ',') FROM pghaul.table_copy;"
                         "SELECT count(*) FROM pghaul.unfinished_chunks"),
              "pages_v,profiles_name,profiles_pkey,small_id_key\ncomplete,complete,complete\n0");
  }
  // A run that nobody disturbs brings both sides together.
  void expect_recovery(const std::string& after) const {
    SCOPED_TRACE(after);
    const auto result = copy(three_tables());
    EXPECT_EQ(result.status, 0) << result;
    expect_all_equal();
  }
};

}  // namespace pghaul::test
