// Partitions and children of a table, however many, in one query each.
#include "catalog/members.h"

#include <fmt/format.h>

#include "catalog/catalog.h"
#include "catalog/result_values.h"

namespace pghaul::catalog {

namespace {

// A partition that is being detached concurrently is none any more.
constexpr const char* members_sql = R"(
WITH RECURSIVE tree (oid) AS (
  SELECT $1::pg_catalog.oid UNION
  SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i JOIN tree ON i.inhparent = tree.oid WHERE NOT i.inhdetachpending)
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, pg_catalog.pg_relation_filenode(c.oid),
       pg_catalog.row_security_active(c.oid),
       CASE WHEN c.reltuples > 0 AND c.relpages > 0
            THEN c.reltuples::pg_catalog.float8 / c.relpages
                 * (pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::pg_catalog.int8)
            ELSE c.reltuples END,
       pg_catalog.pg_table_size(c.oid),
       pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::pg_catalog.int8,
       (SELECT pg_catalog.string_agg(coalesce(m.attnum, 0)::pg_catalog.text, ' ' ORDER BY r.attnum)
        FROM pg_catalog.pg_attribute AS r
        LEFT JOIN pg_catalog.pg_attribute AS m ON m.attrelid = c.oid AND m.attname = r.attname AND NOT m.attisdropped
        WHERE r.attrelid = $1::pg_catalog.oid AND r.attnum > 0 AND NOT r.attisdropped)
FROM tree JOIN pg_catalog.pg_class AS c ON c.oid = tree.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind <> 'p' AND NOT pg_catalog.pg_is_other_temp_schema(c.relnamespace)
ORDER BY c.oid <> $1::pg_catalog.oid, n.nspname, c.relname)";

// Operator classes, collations and directions of the key's columns alone are in these vectors.
constexpr const char* common_indexes_sql = R"(
SELECT c.relname FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = $1::pg_catalog.oid AND i.indisunique AND NOT EXISTS (
  SELECT FROM pg_catalog.unnest($2::pg_catalog.oid[]) AS m (oid) WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_index AS j
    WHERE j.indrelid = m.oid AND j.indisunique AND j.indisvalid AND j.indisready AND j.indislive AND j.indimmediate
      AND j.indpred IS NULL AND j.indexprs IS NULL AND j.indnkeyatts = i.indnkeyatts
      AND j.indclass::pg_catalog.text = i.indclass::pg_catalog.text
      AND j.indcollation::pg_catalog.text = i.indcollation::pg_catalog.text
      AND j.indoption::pg_catalog.text = i.indoption::pg_catalog.text
      AND NOT EXISTS (
        SELECT FROM pg_catalog.generate_series(1, i.indnkeyatts) AS k (ord)
        LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.ord - 1]
        LEFT JOIN pg_catalog.pg_attribute AS b ON b.attrelid = j.indrelid AND b.attnum = j.indkey[k.ord - 1]
        WHERE a.attname IS DISTINCT FROM b.attname OR (a.attnotnull AND NOT b.attnotnull)))))";

Member member_of(const pg::Result& result, int row) {
  Member member;
  member.oid = static_cast<std::uint32_t>(result.int64(row, 0));
  member.name = {std::string(result.text(row, 1)), std::string(result.text(row, 2))};
  member.kind = one_char(result, row, 3);
  member.persistence = one_char(result, row, 4);
  member.filenode = static_cast<std::uint32_t>(result.int64(row, 5));
  member.row_security = result.boolean(row, 6);
  member.row_estimate = result.number(row, 7);
  member.table_bytes = result.int64(row, 8);
  member.pages = result.int64(row, 9);
  member.column_numbers = parse_numbers(result.text(row, 10));
  return member;
}

// Members without statistics are taken to be as dense as the others.
void sum_up(TableShape& shape) {
  double known_rows = 0, known_bytes = 0;
  shape.table_bytes = shape.pages = 0;
  for (const Member& member : shape.members) {
    shape.table_bytes += member.table_bytes;
    shape.pages += member.pages;
    if (member.row_estimate < 0) continue;
    known_rows += member.row_estimate;
    known_bytes += static_cast<double>(member.table_bytes);
  }
  shape.row_estimate = known_bytes > 0 ? known_rows * static_cast<double>(shape.table_bytes) / known_bytes : -1;
}

}  // namespace

std::string oid_array(const std::vector<Member>& members) {
  std::string list;
  for (const Member& member : members) list += fmt::format("{}{}", list.empty() ? "" : ",", member.oid);
  return "{" + list + "}";
}

void read_members(pg::Connection& connection, TableShape& shape, Deadline deadline) {
  if (!shape.has_children) return;
  const auto result = connection.query(members_sql, {std::to_string(shape.oid)}, deadline);
  for (int row = 0; row < result.rows(); ++row) shape.members.push_back(member_of(result, row));
  // Nobody but itself: an ordinary table.
  if (shape.kind != 'p' && shape.members.size() < 2) return shape.members.clear();
  sum_up(shape);
}

std::set<std::string> indexes_of_all_members(pg::Connection& connection, const TableShape& shape, Deadline deadline) {
  const auto result =
      connection.query(common_indexes_sql, {std::to_string(shape.oid), oid_array(shape.members)}, deadline);
  std::set<std::string> names;
  for (int row = 0; row < result.rows(); ++row) names.emplace(result.text(row, 0));
  return names;
}

}  // namespace pghaul::catalog
