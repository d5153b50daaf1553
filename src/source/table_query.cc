#include "source/table_query.h"

#include <fmt/format.h>

#include "pg/quote.h"
#include "source/ordered_ranges.h"

namespace pghaul {
namespace {

std::string column(const std::string& name) { return "t." + pg::quote_identifier(name); }

// A literal and not a number: -9223372036854775808 would be read as a numeric, and no index fits that.
std::string key_literal(const std::string& value) { return pg::quote_literal(value) + "::pg_catalog.int8"; }
std::string page_literal(const std::string& page) { return fmt::format("'({},0)'::pg_catalog.tid", page); }

std::string bounds(const std::string& what, const ChunkRange& range, std::string (*literal)(const std::string&)) {
  std::string sql;
  if (range.lower) sql = fmt::format("{} >= {}", what, literal(*range.lower));
  if (range.upper) sql += fmt::format("{}{} < {}", sql.empty() ? "" : " AND ", what, literal(*range.upper));
  return sql;
}

bool is_ordered_range(const SourceTable& table, const ChunkRange& range) {
  return range.kind == ChunkKind::key && table.ordered_key;
}

std::string or_true(std::string condition) { return condition.empty() ? "true" : condition; }

}  // namespace

std::string range_condition(const ChunkRange& range, const std::string& key_column) {
  switch (range.kind) {
    case ChunkKind::key: {
      const auto condition = bounds(column(key_column), range, key_literal);
      // Without bounds NULL keys would slip in; they have a chunk of their own.
      return condition.empty() ? column(key_column) + " IS NOT NULL" : condition;
    }
    case ChunkKind::null: return column(key_column) + " IS NULL";
    case ChunkKind::ctid: return or_true(bounds("t.ctid", range, page_literal));
    case ChunkKind::late:
      return fmt::format("{} AND pg_catalog.age(t.xmin) <= pg_catalog.age({}::pg_catalog.xid)",
                         or_true(bounds(column(key_column), range, key_literal)),
                         pg::quote_literal(range.since.value_or("3")));
    case ChunkKind::whole: break;
  }
  return "true";
}

// The planner takes the CASE away again.
std::string user_condition(const std::string& where_sql) { return "(CASE WHEN true THEN\n" + where_sql + "\nEND)"; }

std::string copy_out_sql(const SourceTable& table, const ChunkRange& range) {
  std::string columns, selects;
  for (const auto& name : table.columns) columns += (columns.empty() ? "" : ", ") + column(name);
  const auto conditions = is_ordered_range(table, range)
                              ? range_conditions(*table.ordered_key, range)
                              : std::vector{range_condition(range, table.key_column)};
  for (auto where : conditions) {
    if (!table.where_sql.empty()) where += " AND " + user_condition(table.where_sql);
    selects += fmt::format("{}SELECT {} FROM ONLY {} AS t WHERE {}", selects.empty() ? "" : " UNION ALL ", columns,
                           table.shape.name.sql(), where);
  }
  return fmt::format("COPY ({}) TO STDOUT{}", selects, table.binary ? " (FORMAT binary)" : "");
}

std::string probe_sql(const SourceTable& table, const ChunkRange& range, std::int64_t rows, int most) {
  if (table.ordered_key) return ordered_probe_sql(table.shape.name, *table.ordered_key, range, rows, most);
  const auto key = column(table.key_column);
  const auto from = table.shape.name.sql();
  const auto upper = or_true(bounds(key, {ChunkKind::key, std::nullopt, range.upper, {}}, key_literal));
  // ORDER BY must name the column of the table: an output column of type text would be sorted as text.
  return fmt::format(
      "WITH RECURSIVE cut(key, n) AS ("
      "SELECT (SELECT {0} FROM ONLY {1} AS t WHERE {2} ORDER BY {0} OFFSET {4} LIMIT 1), 1 "
      "UNION ALL SELECT (SELECT {0} FROM ONLY {1} AS t WHERE {0} >= cut.key AND {3} ORDER BY {0} OFFSET {4} LIMIT 1), "
      "cut.n + 1 FROM cut WHERE cut.key IS NOT NULL AND cut.n < {5}) "
      "SELECT cut.key::pg_catalog.text FROM cut WHERE cut.key IS NOT NULL",
      key, from, range_condition(range, table.key_column), upper, rows, most);
}

std::string shape_check_sql(const SourceTable& table) {
  // Only the columns that travel: the role may have no right to see others.
  std::string columns, inner;
  for (const auto& name : table.columns) {
    columns += ", " + column(name);
    inner += (inner.empty() ? "" : ", ") + column(name);
  }
  return fmt::format(
      "SELECT f.node{} FROM (SELECT pg_catalog.pg_relation_filenode({}::pg_catalog.oid)) AS f(node) "
      "LEFT JOIN (SELECT {} FROM ONLY {} AS t WHERE false) AS t ON true",
      columns, table.shape.oid, inner, table.shape.name.sql());
}

}  // namespace pghaul
