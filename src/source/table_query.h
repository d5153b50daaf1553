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

// Where the rows of a range are read from, to stand behind FROM, and a condition on alias t that keeps out all others: of
// members that the plan does not know.
struct Relation {
  std::string from;
  std::string condition;  // empty: none is needed
};
// Errors: failed, if the member is none of the table any more.
Relation relation_of(const SourceTable& table, const ChunkRange& range);
// Those whose files and place in the tree the rows of a range hang on.
std::vector<std::uint32_t> relations_read(const SourceTable& table, const ChunkRange& range);

// Condition on alias t that holds for exactly the rows of the range.
std::string range_condition(const ChunkRange& range, const std::string& key_column);
// The user's condition, to stand beside others: it may end in a comment, and `a) OR (b` is a syntax error in it and not a
// way out of its brackets.
std::string user_condition(const std::string& where_sql);
std::string copy_out_sql(const SourceTable& table, const ChunkRange& range);
// Cuts every `rows` rows, at most `most`: as one column of text for an integer key, else the columns of the key.
std::string probe_sql(const SourceTable& table, const ChunkRange& range, std::int64_t rows, int most);
// One row: the filenodes now of all relations_read(), as numbers between blanks, then (as NULLs) all travelling columns, for
// their origin and type.
std::string shape_check_sql(const SourceTable& table, const ChunkRange& range);
// Those of `members` that are no descendants of the table any more.
std::string strays_sql(const SourceTable& table, const std::vector<std::uint32_t>& members);

}  // namespace pghaul
