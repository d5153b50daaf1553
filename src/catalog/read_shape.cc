// Reads a TableShape: the relation, its columns, members, indexes, sequences.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "catalog/binary_types.h"
#include "catalog/catalog.h"
#include "catalog/names.h"
#include "catalog/result_values.h"
#include "pghaul/error.h"

namespace pghaul::catalog {

namespace {

// The number of rows was counted when the table had `relpages` pages; now it is taken to be as dense as it was then.
constexpr const char* relation_sql = R"(
SELECT c.oid, c.relkind, c.relpersistence, pg_catalog.pg_relation_filenode(c.oid),
       pg_catalog.row_security_active(c.oid),
       EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = c.oid), c.relispartition,
       CASE WHEN c.reltuples > 0 AND c.relpages > 0
            THEN c.reltuples::pg_catalog.float8 / c.relpages
                 * (pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::pg_catalog.int8)
            ELSE c.reltuples END,
       pg_catalog.pg_relation_size(c.oid), pg_catalog.pg_table_size(c.oid),
       pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::pg_catalog.int8
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1::pg_catalog.text AND c.relname = $2::pg_catalog.text)";

// typarray tells true arrays from other types that have elements, as point and int2vector. What the server sends for a
// domain is described as the type below it.
constexpr const char* columns_sql = R"(
SELECT a.attnum, a.attname, a.atttypid, pg_catalog.format_type(a.atttypid, a.atttypmod), tn.nspname,
       coalesce(e.typtype, t.typtype), a.attnotnull,
       a.attgenerated = '' AND (a.atthasdef OR t.typdefault IS NOT NULL), a.attidentity,
       CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END,
       CASE WHEN a.attcollation <> t.typcollation THEN pg_catalog.format('%I.%I', cn.nspname, co.collname) END,
       coalesce(e.oid, t.oid),
       (WITH RECURSIVE b (oid, base) AS (
          SELECT t.oid, t.typbasetype UNION ALL
          SELECT u.oid, u.typbasetype FROM b JOIN pg_catalog.pg_type AS u ON u.oid = b.base)
        SELECT b.oid FROM b WHERE b.base = 0)
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_type AS e ON e.oid = t.typelem AND e.typarray = t.oid
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_collation AS co ON co.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace AS cn ON cn.oid = co.collnamespace
WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum)";

// The expected beginning of the definition is made as the server makes it, and cut off as a whole: names may contain
// whatever one would search for. The braces are for the column that came with version 15.
constexpr const char* indexes_sql = R"(
SELECT c.relname, i.indisprimary, i.indisunique, coalesce(k.contype::pg_catalog.text, ''),
       coalesce(k.condeferrable, false), coalesce(k.condeferred, false),
       pg_catalog.pg_get_indexdef(i.indexrelid),
       pg_catalog.format('CREATE %sINDEX %I ON %s%I.%I ', CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END,
                         c.relname, CASE WHEN c.relkind = 'I' THEN 'ONLY ' ELSE '' END, n.nspname, t.relname),
       i.indpred IS NOT NULL, i.indisvalid AND i.indisready AND i.indislive, i.indimmediate, {},
       i.indkey::pg_catalog.text, i.indnkeyatts,
       (SELECT pg_catalog.string_agg(d.refobjsubid::pg_catalog.text, ' ') FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid
          AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = i.indrelid
          AND d.refobjsubid > 0),
       m.amname = 'btree' AND o.opcdefault
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
JOIN pg_catalog.pg_opclass AS o ON o.oid = i.indclass[0]
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
LEFT JOIN pg_catalog.pg_constraint AS k
  ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
WHERE i.indrelid = $1::pg_catalog.oid
ORDER BY i.indisprimary DESC, c.relname)";

// Owned by a column (serial, identity), or named by a column's default.
constexpr const char* sequences_sql = R"(
SELECT DISTINCT s.oid, n.nspname, s.relname, q.seqincrement, q.seqcache, q.seqcycle, a.attname, a.attnum
FROM (SELECT d.objid AS oid, d.refobjsubid AS attnum FROM pg_catalog.pg_depend AS d
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $1::pg_catalog.oid
      UNION ALL
      SELECT d.refobjid, f.adnum FROM pg_catalog.pg_attrdef AS f
      JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
        AND d.objid = f.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      WHERE f.adrelid = $1::pg_catalog.oid) AS u
JOIN pg_catalog.pg_class AS s ON s.oid = u.oid AND s.relkind = 'S'
JOIN pg_catalog.pg_namespace AS n ON n.oid = s.relnamespace
JOIN pg_catalog.pg_sequence AS q ON q.seqrelid = s.oid
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = $1::pg_catalog.oid AND a.attnum = u.attnum
ORDER BY a.attnum, s.oid)";

std::uint32_t oid_at(const pg::Result& result, int row, int column) {
  return static_cast<std::uint32_t>(result.int64(row, column));
}

void read_relation(const pg::Result& result, TableShape& shape) {
  shape.oid = oid_at(result, 0, 0);
  shape.kind = one_char(result, 0, 1);
  shape.persistence = one_char(result, 0, 2);
  shape.filenode = oid_at(result, 0, 3);
  shape.row_security = result.boolean(0, 4);
  shape.has_children = result.boolean(0, 5);
  shape.is_partition = result.boolean(0, 6);
  shape.row_estimate = result.number(0, 7);
  shape.heap_bytes = result.int64(0, 8);
  shape.table_bytes = result.int64(0, 9);
  shape.pages = result.int64(0, 10);
}

Column column_of(const pg::Result& result, int row) {
  Column column;
  column.number = static_cast<int>(result.int64(row, 0));
  column.name = result.text(row, 1);
  column.type_oid = oid_at(result, row, 2);
  column.type = result.text(row, 3);
  column.type_schema = result.text(row, 4);
  column.type_kind = one_char(result, row, 5);
  column.not_null = result.boolean(row, 6);
  column.has_default = result.boolean(row, 7);
  column.identity = one_char(result, row, 8);
  column.generated = result.text(row, 9);
  column.collation = result.text(row, 10);
  column.sent_type_oid = oid_at(result, row, 12);
  column.binary_safe = has_portable_binary_form(oid_at(result, row, 11));
  return column;
}

// Empty for an expression (number 0).
std::string column_name(const TableShape& shape, int number) {
  for (const Column& column : shape.columns) {
    if (column.number == number) return column.name;
  }
  return "";
}

std::string tail_of(std::string_view definition, std::string_view beginning, const TableShape& shape) {
  if (definition.starts_with(beginning)) return std::string(definition.substr(beginning.size()));
  throw Error(ErrorKind::failed, fmt::format("the definition of an index is not understood: {}", definition))
      .about(shape.name.display());
}

void read_index_columns(const pg::Result& result, int row, const TableShape& shape, Index& index) {
  std::vector<int> numbers = parse_numbers(result.text(row, 12));
  const auto keys = static_cast<std::size_t>(result.int64(row, 13));
  for (std::size_t i = 0; i < std::min(keys, numbers.size()); ++i) {
    index.columns.push_back(column_name(shape, numbers[i]));
  }
  const std::vector<int> in_expressions = parse_numbers(result.text(row, 14));
  numbers.insert(numbers.end(), in_expressions.begin(), in_expressions.end());
  for (const int number : std::set<int>(numbers.begin(), numbers.end())) {
    if (number > 0) index.uses.push_back(column_name(shape, number));
  }
}

Index index_of(const pg::Result& result, int row, const TableShape& shape) {
  Index index;
  index.name = result.text(row, 0);
  index.primary = result.boolean(row, 1);
  index.unique = result.boolean(row, 2);
  index.constraint_type = result.text(row, 3);
  index.constraint = !index.constraint_type.empty();
  index.deferrable = result.boolean(row, 4);
  index.deferred = result.boolean(row, 5);
  index.definition_tail = tail_of(result.text(row, 6), result.text(row, 7), shape);
  index.partial = result.boolean(row, 8);
  index.valid = result.boolean(row, 9);
  index.immediate = result.boolean(row, 10);
  index.nulls_not_distinct = result.boolean(row, 11);
  read_index_columns(result, row, shape, index);
  return index;
}

bool is_integer(const Column& column) {
  constexpr std::uint32_t bigint_oid = 20, smallint_oid = 21, integer_oid = 23;
  return column.type_oid == bigint_oid || column.type_oid == smallint_oid || column.type_oid == integer_oid;
}

bool orders_one_column(const Index& index) {
  return index.unique && index.valid && index.immediate && !index.partial && index.columns.size() == 1 &&
         !index.columns.front().empty();
}

// Primary key, then a unique column without NULLs, then one with.
int rank_of(const IntegerKey& key) { return key.primary ? 0 : key.nullable ? 2 : 1; }

void consider_key(const Index& index, TableShape& shape) {
  if (!orders_one_column(index)) return;
  const Column* column = shape.column(index.columns.front());
  if (column == nullptr || !is_integer(*column)) return;
  IntegerKey key{column->name, column->type, !column->not_null, index.name, index.primary};
  if (!shape.key || rank_of(key) < rank_of(*shape.key)) shape.key = std::move(key);
}

// No piece of a table is told by an index that some of its members do not have.
void drop_partial_keys(TableShape& shape, const std::set<std::string>& common) {
  std::erase_if(shape.ordered_keys, [&](const OrderedKey& key) {
    const bool partial = !common.contains(key.index);
    if (partial) shape.no_keys.push_back(display_name(key.index) + ": not every table that inherits has such an index");
    return partial;
  });
}

void read_indexes(pg::Connection& connection, TableShape& shape, const pg::Params& oid,
                  const std::optional<std::set<std::string>>& common, Deadline deadline) {
  const char* nulls = connection.server_version() >= 150000 ? "i.indnullsnotdistinct" : "false";
  const auto result = connection.query(fmt::format(fmt::runtime(indexes_sql), nulls), oid, deadline);
  for (int row = 0; row < result.rows(); ++row) {
    shape.indexes.push_back(index_of(result, row, shape));
    // Integers ordered by another operator class would not come in the order of their values.
    const bool everywhere = !common || common->contains(shape.indexes.back().name);
    if (result.boolean(row, 15) && everywhere) consider_key(shape.indexes.back(), shape);
  }
}

Sequence sequence_of(const pg::Result& result, int row) {
  Sequence sequence;
  sequence.oid = oid_at(result, row, 0);
  sequence.schema = result.text(row, 1);
  sequence.name = result.text(row, 2);
  sequence.increment = result.int64(row, 3);
  sequence.cache = result.int64(row, 4);
  sequence.cycle = result.boolean(row, 5);
  sequence.column = result.text(row, 6);
  return sequence;
}

}  // namespace

std::optional<TableShape> read_table_shape(pg::Connection& connection, const TableName& name, Deadline deadline,
                                           Descendants descendants) {
  const auto relation = connection.query(relation_sql, {name.schema, name.name}, deadline);
  if (relation.rows() == 0) return std::nullopt;
  TableShape shape;
  shape.name = name;
  read_relation(relation, shape);
  const pg::Params oid{std::to_string(shape.oid)};
  const auto columns = connection.query(columns_sql, oid, deadline);
  for (int row = 0; row < columns.rows(); ++row) shape.columns.push_back(column_of(columns, row));
  if (descendants == Descendants::read) read_members(connection, shape, deadline);
  std::optional<std::set<std::string>> common;
  if (shape.key_may_repeat()) common = indexes_of_all_members(connection, shape, deadline);
  read_indexes(connection, shape, oid, common, deadline);
  read_ordered_keys(connection, shape, deadline);
  if (common) drop_partial_keys(shape, *common);
  const auto sequences = connection.query(sequences_sql, oid, deadline);
  for (int row = 0; row < sequences.rows(); ++row) shape.sequences.push_back(sequence_of(sequences, row));
  return shape;
}

}  // namespace pghaul::catalog
