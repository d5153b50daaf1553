// Whether an index leads to all rows of its table.
#pragma once

#include <string>
#include <vector>

#include "diff/digest_query.h"
#include "pg/connection.h"

namespace pghaul {

// A range of which an index knows more or fewer rows than the table has.
struct SuspectedRange {
  std::string range;  // "id in [1, 5000)"
  std::int64_t by_index = 0, in_table = 0;
};

// Counts the rows of each range by a scan of the whole table, and then by the index, in one snapshot: no
// writer can make a difference. `ranges` are key ranges of an integer key, ascending and without gaps, or
// empty: the table as one. Takes one scan of the table and one of the index. Errors: those of the server.
std::vector<SuspectedRange> check_index(pg::Connection& connection, const ComparedTable& table,
                                        const std::vector<ChunkRange>& ranges);

// For sessions that must not read by an index.
std::vector<std::pair<std::string, std::string>> settings_without_indexes();

}  // namespace pghaul
