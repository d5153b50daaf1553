// Which rows a leaf partition has.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catalog/table_shape.h"
#include "pg/connection.h"

namespace pghaul::catalog {

// A leaf of a partitioned table and how rows get there: at each level the partition key, with all that its
// order and hashes depend on, and the partition's bounds. Under the roots of two trees, on whatever servers,
// leaves of one path have the same rows, if the trees have the same. The path of a default partition has the
// bounds of those beside it.
struct LeafPath {
  std::uint32_t oid = 0;
  TableName name;
  std::string path;  // empty: which rows these are hangs on what only its server knows, as functions of users
};

// All leaves of the partitioned table, by one query. None, if the role may not read all rows of each by
// itself. Errors: those of the connection.
std::vector<LeafPath> read_leaf_paths(pg::Connection& connection, std::uint32_t table, Deadline deadline);

}  // namespace pghaul::catalog
