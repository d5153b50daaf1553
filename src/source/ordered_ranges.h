// SQL for ranges of keys of any type and of several columns.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catalog/table_shape.h"
#include "plan/chunk.h"

namespace pghaul {

// Conditions on alias t. Each row of the range meets exactly one of them, no other row meets any, and
// together they follow each other in the order of the index. Each is equalities of the first columns and one
// interval of the next, so the scan of the index begins and ends where the rows do. (A row-value comparison
// as upper bound does not end it before the first column changes.) No two bounds are compared here: where two
// of them may or may not be equal, there is a condition for either.
std::vector<std::string> range_conditions(const catalog::OrderedKey& key, const ChunkRange& range);

// Cuts every `rows` rows, at most `most`: one row each, a column of the key in each column.
struct Relation;
std::string ordered_probe_sql(const Relation& relation, const catalog::OrderedKey& key,
                              const ChunkRange& range, std::int64_t rows, int most);

// One row, true if the source places each of these bounds behind the one before, or at it. Ranges between bounds that ascend
// share no row and leave none out; that they do hangs on nothing else then, as on values coming back from their text unchanged.
std::string ascending_sql(const catalog::OrderedKey& key, const std::vector<std::string>& bounds);

}  // namespace pghaul
