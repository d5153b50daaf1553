// Privileges that the current role lacks.
#include <fmt/format.h>

#include "catalog/catalog.h"
#include "catalog/members.h"

namespace pghaul::catalog {

namespace {

// A column list is offered only where columns were asked for; a right on the whole table covers later columns, too. Of a
// child, columns that its parent does not have are not read. $1 is the table, $2 itself and all that has its rows.
constexpr const char* source_sql = R"(
WITH t AS (
  SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, n.oid AS schema_oid, n.nspname
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = ANY ($2::pg_catalog.oid[])),
lacking AS (
  SELECT t.oid, t.name, {0} AS columns FROM t, pg_catalog.pg_attribute AS r
  JOIN pg_catalog.pg_attribute AS a ON a.attname = r.attname
  WHERE r.attrelid = $1::pg_catalog.oid AND r.attnum > 0 AND NOT r.attisdropped
    AND a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped{1}
    AND NOT pg_catalog.has_column_privilege(t.oid, a.attnum, 'SELECT')
  GROUP BY t.oid, t.name)
SELECT DISTINCT pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', t.nspname, current_user) FROM t
WHERE NOT pg_catalog.has_schema_privilege(t.schema_oid, 'USAGE')
UNION ALL
SELECT pg_catalog.format('GRANT SELECT%s ON TABLE %s TO %I', lacking.columns,
                         pg_catalog.string_agg(lacking.name, ', ' ORDER BY lacking.oid <> $1::pg_catalog.oid, lacking.name),
                         current_user)
FROM lacking GROUP BY lacking.columns)";

constexpr const char* target_sql = R"(
SELECT pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = $1::pg_catalog.oid AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
UNION ALL
SELECT pg_catalog.format('GRANT %s ON TABLE %I.%I TO %I', pg_catalog.string_agg(p.name, ', ' ORDER BY p.no),
                         n.nspname, c.relname, current_user)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace,
     pg_catalog.unnest($2::pg_catalog.text[]) WITH ORDINALITY AS p (name, no)
WHERE c.oid = $1::pg_catalog.oid AND NOT pg_catalog.has_table_privilege(c.oid, p.name)
GROUP BY n.nspname, c.relname)";

std::vector<std::string> first_column(const pg::Result& result) {
  std::vector<std::string> lines;
  for (int row = 0; row < result.rows(); ++row) lines.emplace_back(result.text(row, 0));
  return lines;
}

std::string placeholders(std::size_t first, std::size_t count) {
  std::string list;
  for (std::size_t i = 0; i < count; ++i) {
    list += fmt::format("{}${}::pg_catalog.text", list.empty() ? "" : ", ", first + i);
  }
  return list;
}

std::string source_query(std::size_t column_count) {
  if (column_count == 0) return fmt::format(fmt::runtime(source_sql), "''::pg_catalog.text", "");
  return fmt::format(
      fmt::runtime(source_sql),
      "pg_catalog.format(' (%s)', pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY r.attnum))",
      fmt::format(" AND a.attname::pg_catalog.text IN ({})", placeholders(3, column_count)));
}

}  // namespace

std::vector<std::string> missing_source_grants(pg::Connection& connection, const TableShape& shape,
                                               const std::vector<std::string>& columns, Deadline deadline) {
  auto all = shape.members;
  all.emplace_back().oid = shape.oid;
  pg::Params params{std::to_string(shape.oid), oid_array(all)};
  params.insert(params.end(), columns.begin(), columns.end());
  return first_column(connection.query(source_query(columns.size()), params, deadline));
}

std::vector<std::string> missing_target_grants(pg::Connection& connection, const TableShape& shape, Deadline deadline,
                                               const std::vector<std::string>& privileges) {
  const auto list = fmt::format("{{{}}}", fmt::join(privileges, ","));
  return first_column(connection.query(target_sql, {std::to_string(shape.oid), list}, deadline));
}

}  // namespace pghaul::catalog
