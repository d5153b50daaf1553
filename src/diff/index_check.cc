#include "diff/index_check.h"

#include <fmt/format.h>

#include "pg/quote.h"
#include "pg/transaction.h"
#include "source/table_query.h"

namespace pghaul {
namespace {

constexpr auto by_table =
    "SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; "
    "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = on";
constexpr auto by_index =
    "SET LOCAL enable_indexscan = on; SET LOCAL enable_indexonlyscan = on; "
    "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off";

// Ascending lower bounds of all ranges but the first, as an array.
std::string bounds_of(const std::vector<ChunkRange>& ranges) {
  std::string list;
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    list += fmt::format("{}{}", list.empty() ? "" : ", ", pg::quote_literal(ranges[i].lower.value_or("")));
  }
  return fmt::format("ARRAY[{}]::pg_catalog.int8[]", list);
}

std::string range_counts_sql(const ComparedTable& table, const std::vector<ChunkRange>& ranges) {
  const auto key = "t." + pg::quote_identifier(table.key_column);
  return fmt::format(
      "SELECT pg_catalog.width_bucket({}::pg_catalog.int8, {}) AS range, pg_catalog.count(*) {} GROUP BY 1",
      key, bounds_of(ranges), from_where(table, key + " IS NOT NULL"));
}

std::vector<std::int64_t> count_in_table(pg::Connection& connection, const ComparedTable& table,
                                         const std::vector<ChunkRange>& ranges) {
  std::vector<std::int64_t> counts(std::max<std::size_t>(ranges.size(), 1));
  connection.run(by_table, Deadline::never());
  const auto sql = ranges.empty() ? "SELECT 0, pg_catalog.count(*) " + from_where(table, "true")
                                  : range_counts_sql(table, ranges);
  const auto result = connection.run(sql, Deadline::never());
  for (int row = 0; row < result.rows(); ++row) {
    counts.at(static_cast<std::size_t>(result.int64(row, 0))) = result.int64(row, 1);
  }
  return counts;
}

// The key in its order: nothing but its index gives it without sorting.
std::string keys_in_order(const ComparedTable& table) {
  std::string list;
  for (const auto& column : table.ordered_key->columns) {
    list += fmt::format("{}t.{}{}{}", list.empty() ? "" : ", ", pg::quote_identifier(column.name),
                        column.collation, column.descending ? " DESC" : "");
  }
  return fmt::format("SELECT pg_catalog.count(*) FROM (SELECT 1 {} ORDER BY {} OFFSET 0) AS r",
                     from_where(table, "true"), list);
}

std::int64_t count_by_index(pg::Connection& connection, const ComparedTable& table, const ChunkRange& range) {
  const auto sql = table.ordered_key ? keys_in_order(table)
                                     : "SELECT pg_catalog.count(*) " +
                                           from_where(table, range_condition(range, table.key_column));
  return connection.run(sql, Deadline::never()).int64(0, 0);
}

}  // namespace

std::vector<SuspectedRange> check_index(pg::Connection& connection, const ComparedTable& table,
                                        const std::vector<ChunkRange>& ranges) {
  pg::Transaction transaction(connection, Deadline::never(),
                              "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  connection.run("SET LOCAL statement_timeout = 0", Deadline::never());
  const auto in_table = count_in_table(connection, table, ranges);
  connection.run(by_index, Deadline::never());
  std::vector<SuspectedRange> found;
  for (std::size_t i = 0; i < in_table.size(); ++i) {
    const ChunkRange range = ranges.empty() ? ChunkRange{} : ranges[i];
    const auto count = count_by_index(connection, table, range);
    if (count != in_table[i]) found.push_back({describe(range, table.key_column), count, in_table[i]});
  }
  transaction.commit(Deadline::never());
  return found;
}

std::vector<std::pair<std::string, std::string>> settings_without_indexes() {
  return {{"enable_indexscan", "off"}, {"enable_indexonlyscan", "off"}, {"enable_bitmapscan", "off"}};
}

}  // namespace pghaul
