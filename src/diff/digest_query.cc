#include "diff/digest_query.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pg/quote.h"
#include "source/ordered_ranges.h"
#include "source/table_query.h"

namespace pghaul {
namespace {

std::string column_of(const std::string& name) {
  return "t." + pg::quote_identifier(name);
}

std::string relation(const ComparedTable& table) {
  return (table.only ? "ONLY " : "") + table.name.sql();
}

std::string rows_where(const ComparedTable& table, const std::string& from, const std::string& condition) {
  return fmt::format("FROM {} AS t WHERE {}{}", from, condition,
                     table.where_sql.empty() ? "" : " AND " + user_condition(table.where_sql));
}

// Each `FROM … WHERE …`; they exclude each other.
using Pieces = std::vector<std::string>;

Pieces rest_of(const ComparedTable& table) {
  if (table.rest->empty()) return {rows_where(table, relation(table), "false")};
  Pieces pieces;
  for (const auto& member : *table.rest) pieces.push_back(rows_where(table, "ONLY " + member, "true"));
  return pieces;
}

Pieces pieces_of(const ComparedTable& table, const ChunkRange& range) {
  if (range.kind == ChunkKind::whole && !range.member && table.rest) return rest_of(table);
  const auto from = range.member ? "ONLY " + table.members.at(range.member->oid) : relation(table);
  const auto conditions = range.kind == ChunkKind::key && table.ordered_key
                              ? range_conditions(*table.ordered_key, range)
                              : std::vector{range_condition(range, table.key_column)};
  Pieces pieces;
  for (const auto& condition : conditions) pieces.push_back(rows_where(table, from, condition));
  return pieces;
}

// One SELECT of `list` for each piece.
std::string selects(const Pieces& pieces, const std::string& list) {
  std::string sql;
  for (const auto& piece : pieces)
    sql += fmt::format("{}SELECT {} {}", sql.empty() ? "" : " UNION ALL ", list, piece);
  return sql;
}

// 64 bits of `form`, one of two that are independent of each other.
std::string hash_sql(bool portable, const std::string& form, int which) {
  if (!portable) return fmt::format("pg_catalog.hash_record_extended(ROW({}), {})", form, which);
  return fmt::format(
      "('x' || pg_catalog.substr(pg_catalog.md5({}), {}, 16))::pg_catalog.bit(64)::pg_catalog.int8", form,
      which == 1 ? 1 : 17);
}

// OFFSET 0 keeps the planner from making each row's form once for each hash.
std::string hashed(const ComparedTable& table, const std::string& rows, const std::string& keys) {
  return fmt::format(
      "SELECT {}{} AS h1, {} AS h2, pg_catalog.length(r.form) AS bytes FROM ({} OFFSET 0) AS r OFFSET 0",
      keys, hash_sql(table.portable_hash, "r.form", 1), hash_sql(table.portable_hash, "r.form", 2), rows);
}

std::string form_as_form(const ComparedTable& table) {
  return table.form.sql() + " AS form";
}

std::string key_list(const ComparedTable& table) {
  std::string list;
  for (const auto& name : key_columns(table)) list += column_of(name) + ", ";
  return list;
}

// In the inner query as k0, k1, …: two columns of the outer one must not bear one name.
std::string hashed_rows(const ComparedTable& table, const Pieces& pieces) {
  std::string inner, outer;
  int number = 0;
  for (const auto& name : key_columns(table)) {
    inner += fmt::format("{} AS k{}, ", column_of(name), number);
    outer += fmt::format("r.k{}, ", number++);
  }
  return hashed(table, selects(pieces, inner + form_as_form(table)), outer);
}

std::string literal(const std::string& value, const std::string& type) {
  return fmt::format("{}::{}", pg::quote_literal(value), type);
}

std::string key_is(const catalog::OrderedKey& key, const RowKey& values) {
  std::string sql;
  for (std::size_t i = 0; i < key.columns.size(); ++i) {
    const auto& column = key.columns[i];
    sql += fmt::format("{}{}{} {} {}", i == 0 ? "" : " AND ", column_of(column.name), column.collation,
                       column.equal, literal(values[i], column.type));
  }
  return sql;
}

std::string keys_condition(const ComparedTable& table, const std::vector<RowKey>& keys) {
  std::string sql;
  if (!table.ordered_key) {
    for (const auto& key : keys)
      sql += fmt::format("{}{}", sql.empty() ? "" : ", ", literal(key.front(), "pg_catalog.int8"));
    return fmt::format("{} IN ({})", column_of(table.key_column), sql);
  }
  for (const auto& key : keys)
    sql += fmt::format("{}({})", sql.empty() ? "" : " OR ", key_is(*table.ordered_key, key));
  return "(" + sql + ")";
}

}  // namespace

std::string from_where(const ComparedTable& table, const std::string& condition) {
  return rows_where(table, relation(table), condition);
}

std::vector<std::string> key_columns(const ComparedTable& table) {
  std::vector<std::string> names;
  if (table.ordered_key) {
    for (const auto& column : table.ordered_key->columns) names.push_back(column.name);
  } else if (!table.key_column.empty()) {
    names.push_back(table.key_column);
  }
  return names;
}

std::string hash_probe_sql() {
  std::string sql;
  // Of lengths around those at which the hash takes other ways.
  for (const int length : {0, 1, 11, 12, 13, 100, 1000}) {
    const auto form = fmt::format("pg_catalog.convert_to(pg_catalog.repeat('z', {}), 'UTF8')", length);
    for (const int which : {1, 2}) {
      sql += fmt::format("{}pg_catalog.concat({}, ' ')", sql.empty() ? "" : " || ",
                         hash_sql(false, form, which));
    }
  }
  return "SELECT " + sql;
}

std::string count_sql(const ComparedTable& table, const ChunkRange& range) {
  return fmt::format("SELECT pg_catalog.count(*) FROM ({}) AS r", selects(pieces_of(table, range), ""));
}

std::string digest_select(const ComparedTable& table, const ChunkRange& range, int buckets) {
  if (table.only_count) {
    return fmt::format("SELECT 0, c.rows, 0, 0, 0 FROM ({}) AS c (rows)", count_sql(table, range));
  }
  const auto rows = hashed(table, selects(pieces_of(table, range), form_as_form(table)), "");
  const auto sums =
      "pg_catalog.count(*), pg_catalog.sum(h.bytes), pg_catalog.sum(h.h1), pg_catalog.sum(h.h2)";
  // Grouping costs the server about a fifth more.
  if (buckets == 1)
    return fmt::format("SELECT 0, {} FROM ({}) AS h HAVING pg_catalog.count(*) > 0", sums, rows);
  return fmt::format("SELECT h.h1 & {} AS bucket, {} FROM ({}) AS h GROUP BY 1 ORDER BY 1", buckets - 1, sums,
                     rows);
}

std::string digest_sql(const ComparedTable& table, const ChunkRange& range, int buckets) {
  return fmt::format("COPY ({}) TO STDOUT", digest_select(table, range, buckets));
}

std::string rows_sql(const ComparedTable& table, const ChunkRange& range, const std::vector<int>& buckets) {
  return fmt::format("SELECT h.* FROM ({}) AS h WHERE h.h1 & {} IN ({})",
                     hashed_rows(table, pieces_of(table, range)), table.buckets - 1,
                     fmt::join(buckets, ", "));
}

std::string keyed_rows_sql(const ComparedTable& table, const std::vector<RowKey>& keys) {
  return hashed_rows(table, {from_where(table, keys_condition(table, keys))});
}

std::string column_digests_sql(const ComparedTable& table, const std::vector<RowKey>& keys,
                               const std::vector<std::string>& columns, bool values) {
  auto list = key_list(table);
  for (const auto& name : columns) {
    list += fmt::format("pg_catalog.md5({}), {}, ", table.form.column_sql(name),
                        values ? column_of(name) : std::string("NULL"));
  }
  list.resize(list.size() - 2);
  return selects({from_where(table, keys_condition(table, keys))}, list);
}

}  // namespace pghaul
