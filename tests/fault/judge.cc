#include "fault/judge.h"

#include <map>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "pghaul/deadline.h"
#include "support/oracle.h"
#include "support/servers.h"

namespace pghaul::test {
namespace {

std::string all_rows(const std::vector<std::string>& tables) {
  std::string sql;
  for (const auto& table : tables) {
    sql += fmt::format("{}SELECT '{}' AS t, r::text COLLATE \"C\" AS r FROM public.{} AS r",
                       sql.empty() ? "" : " UNION ALL ", table, table);
  }
  return sql + " ORDER BY 1, 2";
}

using Multiset = std::map<std::string, std::int64_t>;

// COPY's text form has one line for each row.
Multiset lines_of(const std::string& conninfo, const std::string& select_sql) {
  Multiset lines;
  std::istringstream stream(
      run_psql(conninfo, fmt::format("SET extra_float_digits = 3; COPY ({}) TO STDOUT", select_sql)));
  for (std::string line; std::getline(stream, line);) ++lines[line];
  return lines;
}

std::int64_t surplus(const Multiset& of, const Multiset& over) {
  std::int64_t rows = 0;
  for (const auto& [line, count] : of) {
    const auto found = over.find(line);
    rows += std::max<std::int64_t>(0, count - (found == over.end() ? 0 : found->second));
  }
  return rows;
}

constexpr auto leftovers_sql =
    "SELECT string_agg(what, '; ') FROM ("
    "SELECT 'session ' || application_name || ' ' || coalesce(state, '') || ': ' || left(query, 80) AS what "
    "FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'pghaul%' UNION ALL "
    "SELECT 'advisory lock of ' || pid FROM pg_locks WHERE locktype = 'advisory' AND database = "
    "(SELECT oid FROM pg_database WHERE datname = current_database()) UNION ALL "
    "SELECT 'temporary table ' || relname FROM pg_class WHERE relpersistence = 't' UNION ALL "
    "SELECT 'exported snapshot ' || f FROM pg_ls_dir('pg_snapshots') AS f UNION ALL "
    "SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts WHERE database = current_database()) AS left_over";

}  // namespace

RowDifference compare_rows(const std::string& source_conninfo, const std::string& target_conninfo,
                           const std::vector<std::string>& tables) {
  const auto sql = all_rows(tables);
  RowDifference difference;
  difference.source_digest = table_digest(source_conninfo, sql);
  difference.target_digest = table_digest(target_conninfo, sql);
  if (difference.source_digest == difference.target_digest) return difference;
  const auto source = lines_of(source_conninfo, sql), target = lines_of(target_conninfo, sql);
  difference.lost = surplus(source, target);
  difference.doubled = surplus(target, source);
  return difference;
}

std::string leftovers(const std::string& conninfo) {
  const auto patience = Deadline::after(std::chrono::seconds(10));
  for (;;) {
    auto left = run_psql(conninfo, leftovers_sql);
    if (left.empty() || patience.expired()) return left;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace pghaul::test
