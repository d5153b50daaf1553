// SQL that makes a server say what rows it has, without sending them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/table_shape.h"
#include "diff/row_form.h"
#include "plan/chunk.h"

namespace pghaul {

// One side of a comparison. A value.
struct ComparedTable {
  catalog::TableName name;
  bool only = true;  // without tables that inherit from it
  RowForm form;
  std::string where_sql;                           // the user's, or empty
  std::string key_column;                          // integer key that ranges are of; empty: none
  std::optional<catalog::OrderedKey> ordered_key;  // that they are of if there is no integer key
  int buckets = 16;                                // a power of two
  bool portable_hash = false;                      // MD5, where the servers' own hashes differ
  bool only_count = false;                         // digests have numbers of rows alone
  std::map<std::uint32_t, std::string> members;    // names in SQL of those that ranges are of, by oid
  // Where the rows are that the whole is then: of no member that has ranges of its own. Nothing: it is the
  // table.
  std::optional<std::vector<std::string>> rest;
};

// FROM the table as t, WHERE the condition and the user's.
std::string from_where(const ComparedTable& table, const std::string& condition);

// A few hashes as one text: servers that give the same hash alike.
std::string hash_probe_sql();

// Columns that name a row. None: rows are told apart by their hashes alone.
std::vector<std::string> key_columns(const ComparedTable& table);

// A row's key, each column as text.
using RowKey = std::vector<std::string>;

// The number of rows.
std::string count_sql(const ComparedTable& table, const ChunkRange& range);
// Bucket, rows, bytes and the two sums, for each of so many buckets (a power of two) that has rows.
std::string digest_select(const ComparedTable& table, const ChunkRange& range, int buckets);
// COPY of the same as lines for parse_digest().
std::string digest_sql(const ComparedTable& table, const ChunkRange& range, int buckets);
// Key columns, then the two hashes, of the range's rows in these buckets.
std::string rows_sql(const ComparedTable& table, const ChunkRange& range, const std::vector<int>& buckets);
// The same of the rows with these keys.
std::string keyed_rows_sql(const ComparedTable& table, const std::vector<RowKey>& keys);
// Key columns, then for each of `columns` an MD5 of its form, and with values what it prints.
std::string column_digests_sql(const ComparedTable& table, const std::vector<RowKey>& keys,
                               const std::vector<std::string>& columns, bool values);

}  // namespace pghaul
