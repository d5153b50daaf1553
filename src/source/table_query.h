// SQL that reads pieces of a table.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "catalog/table_shape.h"
#include "plan/chunk.h"

namespace pghaul {

// What a reader must know of a table. A value.
struct SourceTable {
  catalog::TableShape shape;
  std::vector<std::string> columns;  // that travel, in this order
  std::string key_column;            // integer key; empty: none
  std::string where_sql;             // the user's, or empty
  bool binary = false;
  std::string record_format;         // for the ledger: what the checksum is made of
  std::optional<catalog::OrderedKey> ordered_key;  // that key ranges are of if there is no integer key
  // COPY of what is wanted of a range, as lines of text; null: its rows.
  std::function<std::string(const ChunkRange&)> query = {};
};

// Condition on alias t that holds for exactly the rows of the range.
std::string range_condition(const ChunkRange& range, const std::string& key_column);
// The user's condition, to stand beside others: it may end in a comment, and `a) OR (b` is a syntax error in it and not a
// way out of its brackets.
std::string user_condition(const std::string& where_sql);
std::string copy_out_sql(const SourceTable& table, const ChunkRange& range);
// Cuts every `rows` rows, at most `most`: as one column of text for an integer key, else the columns of the key.
std::string probe_sql(const SourceTable& table, const ChunkRange& range, std::int64_t rows, int most);
// One row: the table's filenode now, then (as NULLs) all travelling columns, for their origin and type.
std::string shape_check_sql(const SourceTable& table);

}  // namespace pghaul
