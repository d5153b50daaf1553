// Keys of any type, and what the statistics say of them.
#include <fmt/format.h>

#include <algorithm>

#include "catalog/catalog.h"
#include "catalog/names.h"
#include "pg/quote.h"

namespace pghaul::catalog {

namespace {

// A range of n columns takes up to n² scans of the index, most of them empty.
constexpr std::size_t most_columns = 8;

// A row for each column of each unique B-tree index, with the operators of its operator class. They must be
// functions that only a superuser can have made: a range would call others with the rights of whoever copies.
// Bounds of a domain are written in its base type, whose literals call no CHECK. 100 is the collation
// "default", that of the database.
constexpr const char* keys_sql = R"(
SELECT c.relname, i.indisprimary, i.indisvalid AND i.indisready AND i.indislive, i.indimmediate, i.indpred IS NOT NULL,
       a.attname, coalesce(a.attnotnull, false),
       pg_catalog.format_type(lt.oid, -1), it.typtype = 'p',
       CASE WHEN co.oid IS NOT NULL THEN pg_catalog.format(' COLLATE %I.%I', cn.nspname, co.collname) END,
       i.indoption[k.ord - 1]::pg_catalog.int4 & 1 = 1, i.indoption[k.ord - 1]::pg_catalog.int4 & 2 = 2,
       f.operators[1], f.operators[2], f.operators[3], f.operators[4], f.operators[5],
       coalesce(f.trusted, false) AND p.proname IS NOT NULL AND pg_catalog.cardinality(f.operators) = 5,
       coalesce(f.usable, false) AND pg_catalog.has_schema_privilege(lt.typnamespace, 'USAGE')
         AND (co.oid IS NULL OR pg_catalog.has_schema_privilege(co.collnamespace, 'USAGE')),
       pg_catalog.format('%I.%I %s', n.nspname, o.opcname, CASE WHEN co.oid = 100 THEN {}
                         WHEN co.oid IS NOT NULL THEN pg_catalog.pg_collation_actual_version(co.oid) END)
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
CROSS JOIN LATERAL pg_catalog.generate_series(1, i.indnkeyatts) AS k (ord)
JOIN pg_catalog.pg_opclass AS o ON o.oid = i.indclass[k.ord - 1]
JOIN pg_catalog.pg_namespace AS n ON n.oid = o.opcnamespace
JOIN pg_catalog.pg_type AS it ON it.oid = o.opcintype
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.ord - 1] AND a.attnum > 0
LEFT JOIN pg_catalog.pg_type AS lt ON lt.oid = CASE WHEN it.typtype = 'p' THEN a.atttypid ELSE it.oid END
LEFT JOIN pg_catalog.pg_collation AS co ON co.oid = i.indcollation[k.ord - 1]
LEFT JOIN pg_catalog.pg_namespace AS cn ON cn.oid = co.collnamespace
LEFT JOIN (pg_catalog.pg_amproc AS ap
           JOIN pg_catalog.pg_proc AS p ON p.oid = ap.amproc
           JOIN pg_catalog.pg_language AS pl ON pl.oid = p.prolang AND pl.lanname IN ('internal', 'c'))
  ON ap.amprocfamily = o.opcfamily AND ap.amprocnum = 1 AND ap.amproclefttype = o.opcintype
  AND ap.amprocrighttype = o.opcintype
CROSS JOIN LATERAL (
  SELECT pg_catalog.array_agg(pg_catalog.format('OPERATOR(%I.%s)', pn.nspname, po.oprname) ORDER BY s.amopstrategy)
           AS operators,
         pg_catalog.bool_and(l.lanname IN ('internal', 'c')) AS trusted,
         pg_catalog.bool_and(pg_catalog.has_schema_privilege(pn.oid, 'USAGE')) AS usable
  FROM pg_catalog.pg_amop AS s
  JOIN pg_catalog.pg_operator AS po ON po.oid = s.amopopr
  JOIN pg_catalog.pg_namespace AS pn ON pn.oid = po.oprnamespace
  JOIN pg_catalog.pg_proc AS pp ON pp.oid = po.oprcode
  JOIN pg_catalog.pg_language AS l ON l.oid = pp.prolang
  WHERE s.amopfamily = o.opcfamily AND s.amoppurpose = 's' AND s.amoplefttype = o.opcintype
    AND s.amoprighttype = o.opcintype) AS f
WHERE i.indrelid = $1::pg_catalog.oid AND i.indisunique
ORDER BY i.indisprimary DESC, i.indnkeyatts, c.relname, k.ord)";

OrderedColumn column_of(const pg::Result& result, int row) {
  OrderedColumn column;
  column.name = result.text(row, 5);
  column.type = result.text(row, 7);
  column.collation = result.text(row, 9);
  column.descending = result.boolean(row, 10);
  column.nulls_first = result.boolean(row, 11);
  std::string* operators[] = {&column.before, &column.at_or_before, &column.equal, &column.at_or_after,
                              &column.after};
  if (column.descending) std::reverse(std::begin(operators), std::end(operators));
  for (int i = 0; i < 5; ++i) *operators[i] = result.text(row, 12 + i);
  column.order = result.text(row, 19);
  return column;
}

// Text that means the same value in every session: not if it depends on names of objects or on a locale's
// money, and a literal of a row or of an array of domains would call what users wrote.
bool has_steady_text(const TableShape& shape, const pg::Result& result, int row) {
  const bool polymorphic = result.boolean(row, 8);
  if (!polymorphic) return result.text(row, 7) != "money";
  const Column* column = shape.column(std::string(result.text(row, 5)));
  return column != nullptr && (column->binary_safe || column->type_kind == 'e');
}

// Why this column keeps its index from being a key; empty if it does not.
std::string column_problem(const TableShape& shape, const pg::Result& result, int row) {
  if (result.is_null(row, 5)) return "it has an expression";
  const auto column = display_name(result.text(row, 5));
  if (!result.boolean(row, 6)) return fmt::format("column {} may be NULL", column);
  if (!result.boolean(row, 17)) return fmt::format("column {} is ordered by functions of users", column);
  if (!result.boolean(row, 18)) {
    return fmt::format("the order of column {} is in a schema that this role may not use", column);
  }
  if (!has_steady_text(shape, result, row)) {
    return fmt::format("values of column {} cannot be written down for sure", column);
  }
  return "";
}

std::string index_problem(const pg::Result& result, int row) {
  if (result.boolean(row, 4)) return "it is partial";
  if (!result.boolean(row, 2)) return "it is not valid";
  if (!result.boolean(row, 3)) return "it is deferrable";
  return "";
}

// The rows [from, to) of one index.
void consider_index(const pg::Result& result, int from, int to, TableShape& shape) {
  OrderedKey key{std::string(result.text(from, 0)), result.boolean(from, 1), {}};
  std::string problem = index_problem(result, from);
  for (int row = from; row < to && problem.empty(); ++row) {
    problem = column_problem(shape, result, row);
    if (problem.empty()) key.columns.push_back(column_of(result, row));
  }
  if (problem.empty() && key.columns.size() > most_columns) {
    problem = fmt::format("it has more than {} columns", most_columns);
  }
  if (problem.empty())
    shape.ordered_keys.push_back(std::move(key));
  else
    shape.no_keys.push_back(fmt::format("{}: {}", display_name(key.index), problem));
}

// The bounds of equally many rows, and each most common value with its share, sorted as the index sorts them.
// Whatever the statistics were made of when the column had another type is no literal of this one, and not
// used.
constexpr const char* statistics_sql = R"(
WITH s AS (SELECT s.* FROM pg_catalog.pg_stats AS s
           WHERE s.schemaname = $1::pg_catalog.text AND s.tablename = $2::pg_catalog.text
             AND s.attname = $3::pg_catalog.text ORDER BY s.inherited LIMIT 1),
h AS (SELECT pg_catalog.unnest(s.histogram_bounds::pg_catalog.text::pg_catalog.text[])::{0} AS v,
             1 / NULLIF(pg_catalog.cardinality(s.histogram_bounds::pg_catalog.text::pg_catalog.text[]) - 1, 0)::pg_catalog.float8
             * GREATEST(0, 1 - s.null_frac - coalesce((SELECT pg_catalog.sum(m.f) FROM
               pg_catalog.unnest(s.most_common_freqs) AS m (f)), 0)) AS share FROM s),
m AS (SELECT pg_catalog.unnest(s.most_common_vals::pg_catalog.text::pg_catalog.text[])::{0} AS v,
             pg_catalog.unnest(s.most_common_freqs)::pg_catalog.float8 AS share FROM s)
SELECT p.v, coalesce(p.share, 0), (SELECT s.correlation FROM s)
FROM (SELECT h.v, h.share FROM h UNION ALL SELECT m.v, m.share FROM m) AS p
ORDER BY p.v{1} USING {2})";

}  // namespace

std::string OrderedKey::display() const {
  std::string list;
  for (const auto& column : columns) {
    list += fmt::format("{}{}{}", list.empty() ? "" : ", ", display_name(column.name),
                        column.descending ? " desc" : "");
  }
  return columns.size() == 1 ? list : "(" + list + ")";
}

std::string OrderedKey::identity() const {
  std::string text;
  for (const auto& column : columns) {
    text += fmt::format("{}{} {} {}{}{}", text.empty() ? "" : ", ", pg::quote_identifier(column.name),
                        column.type, column.order, column.collation, column.descending ? " DESC" : "");
  }
  return text;
}

void read_ordered_keys(pg::Connection& connection, TableShape& shape, Deadline deadline) {
  const char* default_version =
      connection.server_version() >= 150000
          ? "(SELECT pg_catalog.pg_database_collation_actual_version(d.oid) FROM "
            "pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())"
          : "pg_catalog.pg_collation_actual_version(co.oid)";
  const auto result = connection.query(fmt::format(fmt::runtime(keys_sql), default_version),
                                       {std::to_string(shape.oid)}, deadline);
  for (int from = 0, to = 0; from < result.rows(); from = to) {
    while (to < result.rows() && result.text(to, 0) == result.text(from, 0)) ++to;
    consider_index(result, from, to, shape);
  }
}

OrderedStatistics read_ordered_statistics(pg::Connection& connection, const TableName& name,
                                          const OrderedColumn& column, Deadline deadline) {
  OrderedStatistics statistics;
  try {
    const auto result = connection.query(
        fmt::format(fmt::runtime(statistics_sql), column.type, column.collation, column.before),
        {name.schema, name.name, column.name}, deadline);
    for (int row = 0; row < result.rows(); ++row) {
      if (!result.is_null(row, 2)) statistics.correlation = result.number(row, 2);
      const std::string value(result.text(row, 0));
      if (statistics.points.empty() || statistics.points.back().value != value)
        statistics.points.push_back({value, 0});
      statistics.points.back().share += result.number(row, 1);
    }
  } catch (const Error& error) {
    if (error.sqlstate().substr(0, 2) != "22") throw;  // not literals of this type: see above
    return {};
  }
  return statistics;
}

}  // namespace pghaul::catalog
