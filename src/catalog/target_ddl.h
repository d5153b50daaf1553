// DDL for a target table, built from catalog facts.
#pragma once

#include <string>
#include <vector>

#include "catalog/table_shape.h"

namespace pghaul::catalog {

// CREATE TABLE with types, collations, NOT NULL and stored generated columns of the given columns (all if empty);
// identity becomes a plain column; no defaults, no constraints.
std::string create_table_sql(const TableShape& source, const TableName& target,
                             const std::vector<std::string>& columns);

// One index to build after the rows: CREATE INDEX, and for a constraint the ALTER TABLE that makes it one.
struct IndexBuild {
  std::string name;
  bool primary = false, unique = false;
  std::vector<std::string> columns;
  std::vector<std::string> statements;   // to run in one transaction
};
// Of all valid indexes whose columns are copied; the primary key first.
std::vector<IndexBuild> index_builds(const TableShape& source, const TableName& target,
                                     const std::vector<std::string>& columns);

// What keeps rows of `source` (its `columns`) out of `target`, by name: missing column, narrower or unrelated type,
// NOT NULL without default on a column not copied, copied column generated on the target; one sentence each, empty if
// all fits. Generated columns of the target are not expected from the source.
std::vector<std::string> misfits(const TableShape& source, const TableShape& target,
                                 const std::vector<std::string>& columns);

// The columns that travel: `wanted` (all if empty) without those that the target computes, in source order. A target
// to be created (null) computes what the source does; a plain target column gets the source's generated values.
std::vector<std::string> travelling_columns(const TableShape& source, const TableShape* target,
                                            const std::vector<std::string>& wanted);

// Binary COPY may be used: same major version, every column binary_safe and of the same type on both sides.
bool binary_copy_possible(const TableShape& source, const TableShape& target, const std::vector<std::string>& columns,
                          int source_version, int target_version, std::string* reason);

}  // namespace pghaul::catalog
