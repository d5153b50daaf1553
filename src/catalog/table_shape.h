// What the catalog says of a table. Values only; read by catalog.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pghaul::catalog {

struct TableName {
  std::string schema, name;
  bool operator==(const TableName&) const = default;
  // schema.name, quoted only where needed; for messages.
  std::string display() const;
  // "schema"."name"; for SQL.
  std::string sql() const;
};

// "schema.table" with optional double quotes around either; without a schema it is public. Errors: usage.
TableName parse_table_name(const std::string& text);

struct Column {
  std::string name;
  int number = 0;             // attnum
  std::uint32_t type_oid = 0;
  std::uint32_t sent_type_oid = 0;  // as results describe it: of a domain the type below
  std::string type;           // format_type() with an empty search_path: qualified unless in pg_catalog
  std::string type_schema;
  char type_kind = 'b';       // pg_type.typtype, of the element type for arrays
  bool not_null = false;
  bool has_default = false;
  char identity = 0;          // 0, 'a' always, 'd' by default
  std::string generated;      // expression of a stored generated column, else empty
  std::string collation;      // qualified, if it is not the type's own default; else empty
  bool binary_safe = false;   // built-in type whose binary form is the same on every server of one major version
};

struct Index {
  std::string name;
  bool primary = false, unique = false, constraint = false;
  bool deferrable = false, deferred = false;
  std::string constraint_type;            // "p", "u", "x" or empty
  std::vector<std::string> columns;       // key columns; empty string for an expression
  std::vector<std::string> uses;          // every column it needs: key, included, in expressions and the predicate
  std::string definition_tail;            // from USING on, as pg_get_indexdef() prints it with an empty search_path
  bool partial = false, valid = true, immediate = true, nulls_not_distinct = false;
};

// The single integer column that a table can be cut by.
struct IntegerKey {
  std::string column;
  std::string type;           // smallint, integer, bigint
  bool nullable = false;
  std::string index;          // that serves the range scans
  bool primary = false;
};

// A column of an ordered key, and how its index orders it: by the operators of its operator class, in its own collation.
struct OrderedColumn {
  std::string name;
  std::string type;           // that bounds are written in; what the operators take
  std::string collation;      // ` COLLATE "schema"."name"`, or empty
  bool descending = false, nulls_first = false;
  // OPERATOR(schema.name), as the index goes: in a descending one what comes before is larger.
  std::string before, at_or_before, equal, at_or_after, after;
  std::string order;          // operator class and version of the collation, for OrderedKey::identity()
};

// A unique index whose columns are never NULL: ranges of its order are pieces of the table. Values are compared by the
// source alone.
struct OrderedKey {
  std::string index;
  bool primary = false;
  std::vector<OrderedColumn> columns;

  // "id", "(tenant, seq desc)"; for messages.
  std::string display() const;
  // Columns and all that their order depends on: bounds mean the same as long as this is the same.
  std::string identity() const;
};

struct Sequence {
  std::uint32_t oid = 0;
  std::string schema, name;
  std::int64_t increment = 1, cache = 1;
  bool cycle = false;
  std::string column;         // that it feeds
};

// A table that has rows of another one: a leaf partition, or one of an inheritance tree, the parent among them.
struct Member {
  std::uint32_t oid = 0;
  TableName name;
  char kind = 'r';            // pg_class.relkind; never 'p'
  char persistence = 'p';
  std::uint32_t filenode = 0;
  bool row_security = false;  // applies to the role that asked
  double row_estimate = -1;   // as TableShape's
  std::int64_t table_bytes = 0, pages = 0;
  std::vector<int> column_numbers;  // attnum here of each of the shape's columns
};

struct TableShape {
  std::uint32_t oid = 0;
  TableName name;
  char kind = 'r';            // pg_class.relkind
  char persistence = 'p';
  std::uint32_t filenode = 0; // pg_relation_filenode()
  bool row_security = false;  // applies to the role that asked
  bool has_children = false;  // inheritance or partitions
  // Where the rows are if not in the table alone; temporary tables of other sessions are left out, as by the server.
  std::vector<Member> members;
  bool is_partition = false;
  double row_estimate = -1;   // of now, from the last ANALYZE or VACUUM and the size; -1 never
  std::int64_t heap_bytes = 0;    // main fork
  std::int64_t table_bytes = 0;   // with TOAST, without indexes
  std::int64_t pages = 0;         // of the main fork, from the file size
  std::vector<Column> columns;    // in attnum order, dropped ones left out
  std::vector<Index> indexes;
  std::vector<Sequence> sequences;
  std::optional<IntegerKey> key;
  std::vector<OrderedKey> ordered_keys;  // the primary key first, then those of fewer columns
  std::vector<std::string> no_keys;      // why other unique indexes are none of them: "k: column a may be NULL"

  // Rows are in several tables, or may come to be.
  bool is_tree() const { return kind == 'p' || !members.empty(); }
  // A key is unique in each member only: nothing keeps two tables of an inheritance tree from having the same one.
  bool key_may_repeat() const { return kind != 'p' && !members.empty(); }
  const Member* member(std::uint32_t member_oid) const;
  const Column* column(const std::string& column_name) const;
  // Name of an index that leads to ranges of the column in all tables that have rows; empty: there is none.
  std::string range_index(const std::string& column_name) const;
  std::vector<std::string> column_names() const;
  // Names, types, NOT NULL and order of the columns in one text; equal texts mean that rows travel alike.
  std::string fingerprint() const;
};

}  // namespace pghaul::catalog
