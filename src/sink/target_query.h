// SQL that changes a target table.
#pragma once

#include <string>
#include <vector>

#include "catalog/table_shape.h"
#include "pghaul/pg_copy_options.h"
#include "plan/chunk.h"

namespace pghaul {

// What a writer must know of a table. A value.
struct TargetTable {
  catalog::TableName name;
  std::vector<std::string> columns;      // that travel, in this order
  std::string key_column;                // that the plan is cut by; empty: none
  std::vector<std::string> primary_key;  // of the target; for OnConflict::update
  OnConflict on_conflict = OnConflict::error;
  bool binary = false;
};

std::string copy_in_sql(const TargetTable& table);
// Empties the chunk's range.
std::string delete_range_sql(const TargetTable& table, const ChunkRange& range);
// A temporary table of the travelling columns, gone at the end of the transaction; and COPY into it.
std::string create_staging_sql(const TargetTable& table);
std::string copy_into_staging_sql(const TargetTable& table);
// From staging into the target: rows whose key is there are deleted first (late rows) …
std::string delete_staged_keys_sql(const TargetTable& table);
// … or met by ON CONFLICT as the table says.
std::string insert_staged_sql(const TargetTable& table, bool with_on_conflict);

}  // namespace pghaul
