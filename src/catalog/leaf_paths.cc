#include "catalog/leaf_paths.h"

namespace pghaul::catalog {
namespace {

// A key is known if its columns are of the server's own types and operator classes; enums, domains and
// expressions may mean other things elsewhere. Text is ordered by what its collation is now, and hashed as
// bytes of its encoding by functions that a major version may change.
constexpr const char* paths_sql = R"(
WITH RECURSIVE place (database) AS (
  SELECT pg_catalog.concat_ws(' ', pg_catalog.getdatabaseencoding(), d.datcollate, d.datctype, j ->> 'datlocprovider',
                              coalesce(j ->> 'datlocale', j ->> 'daticulocale'), j ->> 'datcollversion')
  FROM pg_catalog.pg_database AS d, pg_catalog.to_jsonb(d) AS j WHERE d.datname = pg_catalog.current_database()),
key (oid, definition) AS (
  SELECT p.partrelid,
         CASE WHEN p.partexprs IS NULL AND pg_catalog.bool_and(a.atttypid < 16384 AND o.oid < 16384)
              THEN pg_catalog.concat_ws(' ', p.partstrat,
                     CASE WHEN p.partstrat = 'h' THEN pg_catalog.concat(
                       pg_catalog.current_setting('server_version_num')::pg_catalog.int4 / 10000, ' ',
                       pg_catalog.getdatabaseencoding()) END,
                     pg_catalog.string_agg(pg_catalog.concat_ws(' ', pg_catalog.quote_ident(a.attname),
                       pg_catalog.format_type(a.atttypid, a.atttypmod), o.opcname,
                       CASE WHEN co.oid IS NOT NULL AND co.collname NOT IN ('C', 'POSIX') THEN pg_catalog.concat(
                         (pg_catalog.to_jsonb(co) - '{oid,collowner,collnamespace}'::pg_catalog.text[]), ' ',
                         place.database) END), ', ' ORDER BY k.ord)) END
  FROM place, pg_catalog.pg_partitioned_table AS p
  CROSS JOIN LATERAL pg_catalog.generate_series(0, p.partnatts - 1) AS k (ord)
  LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[k.ord] AND a.attnum > 0
  LEFT JOIN pg_catalog.pg_opclass AS o ON o.oid = p.partclass[k.ord]
  LEFT JOIN pg_catalog.pg_collation AS co ON co.oid = p.partcollation[k.ord]
  GROUP BY p.partrelid),
bound (oid, parent, text) AS (
  SELECT i.inhrelid, i.inhparent, pg_catalog.pg_get_expr(c.relpartbound, c.oid)
  FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
  WHERE c.relispartition AND NOT i.inhdetachpending),
tree (oid, path) AS (
  SELECT $1::pg_catalog.oid, ARRAY[]::pg_catalog.text[] COLLATE pg_catalog."C" UNION ALL
  SELECT b.oid, (tree.path || ARRAY[key.definition, CASE WHEN b.text = 'DEFAULT' THEN
           (SELECT pg_catalog.string_agg(s.text, ', ' ORDER BY s.text COLLATE pg_catalog."C") FROM bound AS s
            WHERE s.parent = b.parent)
           ELSE b.text END]) COLLATE pg_catalog."C"
  FROM tree JOIN bound AS b ON b.parent = tree.oid JOIN key ON key.oid = tree.oid)
SELECT tree.oid, n.nspname, c.relname,
       CASE WHEN c.relkind = 'r' AND pg_catalog.array_position(tree.path, NULL) IS NULL
            THEN pg_catalog.to_jsonb(tree.path)::pg_catalog.text END,
       pg_catalog.has_table_privilege(tree.oid, 'SELECT') AND NOT pg_catalog.row_security_active(tree.oid)
FROM tree JOIN pg_catalog.pg_class AS c ON c.oid = tree.oid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind <> 'p' ORDER BY n.nspname, c.relname)";

}  // namespace

std::vector<LeafPath> read_leaf_paths(pg::Connection& connection, std::uint32_t table, Deadline deadline) {
  const auto rows = connection.query(paths_sql, {std::to_string(table)}, deadline);
  std::vector<LeafPath> leaves;
  for (int row = 0; row < rows.rows(); ++row) {
    if (!rows.boolean(row, 4)) return {};
    leaves.push_back({static_cast<std::uint32_t>(rows.int64(row, 0)),
                      {std::string(rows.text(row, 1)), std::string(rows.text(row, 2))},
                      std::string(rows.text(row, 3))});
  }
  return leaves;
}

}  // namespace pghaul::catalog
