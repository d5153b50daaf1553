#include "sink/target_query.h"

#include <algorithm>

#include <fmt/format.h>

#include "pg/quote.h"

namespace pghaul {
namespace {

constexpr std::string_view staging = "pg_temp.pghaul_staging";

std::string column_list(const std::vector<std::string>& columns) {
  std::string list;
  for (const auto& column : columns) list += (list.empty() ? "" : ", ") + pg::quote_identifier(column);
  return list;
}

// A table may have no columns at all; then COPY wants no parentheses.
std::string in_parentheses(const std::vector<std::string>& columns) {
  return columns.empty() ? "" : " (" + column_list(columns) + ")";
}

std::string copy_options(const TargetTable& table) { return table.binary ? " (FORMAT binary)" : ""; }

// The key column of the target may be of another integer type than the source's: the literal fits all of them.
std::string key_literal(const std::string& value) { return pg::quote_literal(value) + "::pg_catalog.int8"; }

std::string range_condition(const TargetTable& table, const ChunkRange& range) {
  if (range.kind == ChunkKind::whole) return "true";
  const auto key = "t." + pg::quote_identifier(table.key_column);
  if (range.kind == ChunkKind::null) return key + " IS NULL";
  std::string condition = key + " IS NOT NULL";
  if (range.lower) condition += fmt::format(" AND {} >= {}", key, key_literal(*range.lower));
  if (range.upper) condition += fmt::format(" AND {} < {}", key, key_literal(*range.upper));
  return condition;
}

std::string update_list(const TargetTable& table) {
  std::string list;
  for (const auto& column : table.columns) {
    if (std::find(table.primary_key.begin(), table.primary_key.end(), column) != table.primary_key.end()) continue;
    const auto name = pg::quote_identifier(column);
    list += fmt::format("{}{} = EXCLUDED.{}", list.empty() ? "" : ", ", name, name);
  }
  return list;
}

std::string conflict_clause(const TargetTable& table) {
  if (table.on_conflict == OnConflict::error) return "";
  const auto updates = update_list(table);
  if (table.on_conflict == OnConflict::skip || updates.empty()) return " ON CONFLICT DO NOTHING";
  return fmt::format(" ON CONFLICT ({}) DO UPDATE SET {}", column_list(table.primary_key), updates);
}

}  // namespace

std::string copy_in_sql(const TargetTable& table) {
  return fmt::format("COPY {}{} FROM STDIN{}", table.name.sql(), in_parentheses(table.columns), copy_options(table));
}

std::string delete_range_sql(const TargetTable& table, const ChunkRange& range) {
  return fmt::format("DELETE FROM {} AS t WHERE {}", table.name.sql(), range_condition(table, range));
}

std::string create_staging_sql(const TargetTable& table) {
  return fmt::format("CREATE TEMPORARY TABLE pghaul_staging ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA",
                     column_list(table.columns), table.name.sql());
}

std::string copy_into_staging_sql(const TargetTable& table) {
  return fmt::format("COPY {}{} FROM STDIN{}", staging, in_parentheses(table.columns), copy_options(table));
}

std::string delete_staged_keys_sql(const TargetTable& table) {
  const auto key = pg::quote_identifier(table.key_column);
  return fmt::format("DELETE FROM {} AS t USING {} AS s WHERE t.{} = s.{}", table.name.sql(), staging, key, key);
}

std::string insert_staged_sql(const TargetTable& table, bool with_on_conflict) {
  const auto columns = column_list(table.columns);
  return fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}{}", table.name.sql(), columns,
                     columns, staging, with_on_conflict ? conflict_clause(table) : "");
}

}  // namespace pghaul
