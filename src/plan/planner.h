// Facts in, chunks out. Pure functions: no connection, no clock, no scan.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pghaul/pg_copy_options.h"
#include "plan/chunk.h"

namespace pghaul {

struct KeyFacts {
  std::string column;
  bool nullable = false;
  double null_fraction = 0;
  std::int64_t type_lowest = INT64_MIN, type_highest = INT64_MAX;  // of the column's type
  std::optional<std::int64_t> lowest, highest;                     // of the rows, from index probes
  std::vector<std::int64_t> histogram;                             // ascending bounds of equally many rows, or empty
};

// A key whose values only the source can compare.
struct OrderedKeyFacts {
  std::string name;       // "id", "(tenant, seq desc)"; for messages
  struct Point {
    std::string bound;    // as key_bound.h writes it
    double share = 0;     // of the rows, from here to the next point
  };
  std::vector<Point> points;          // ascending in the key's order; from statistics, or empty
  std::optional<double> correlation;  // of the key's order and the table's, if known
};

struct TableFacts {
  std::int64_t bytes = 0;       // heap and TOAST
  std::int64_t pages = 0;
  double rows = -1;             // estimate; negative: unknown
  std::optional<KeyFacts> key;
  std::optional<OrderedKeyFacts> ordered_key;  // if there is no integer key
  std::string no_key;           // why there is neither, in a few words; may be empty
};

// One of the tables that a partitioned table, or the root of an inheritance tree, has its rows in.
struct MemberFacts {
  ChunkMember member;
  TableFacts facts;
};

// Which rows a run takes: everything (first run of a generation), or what lies above `gained_above`; and how it reads them.
struct PlanRange {
  std::optional<std::int64_t> gained_above;  // high-water mark of the run before; its tail is replaced
  std::optional<std::int64_t> high_water;    // of this run; nothing: the table is empty
  bool replace = false;                      // chunks empty their range on the target first
  bool one_snapshot = true;  // of all chunks; without it pages are of no use: an update moves a row from one to another
};

struct Plan {
  std::vector<Chunk> chunks;    // disjoint, complete; no chunk numbers yet
  std::string reason;           // one sentence on why it is cut like this
  std::int64_t rows_per_batch = 0;
};

// Errors: refused, if chunk_by asks for a key that there is not.
Plan make_plan(const TableFacts& facts, const PlanOptions& options, const PlanRange& range);

// The same of a table whose rows are in `members`; `whole` is of all of them. Those of the first round are read member by
// member. What a later round replaces, and what lies above the high-water mark, is read from all members at once: on the
// target a range of keys is one, whichever member its rows come from, and is to be emptied once.
Plan make_tree_plan(const TableFacts& whole, const std::vector<MemberFacts>& members, const PlanOptions& options,
                    const PlanRange& range);

// Rows up to the mark of a member that came after it, as chunks that are merged by key: they may have been copied from
// another member, and moved since.
std::vector<Chunk> joined_member_chunks(const MemberFacts& member, const PlanOptions& options, std::int64_t high_water);

// Rows that fill a batch, from bytes and rows of a table (or of what was read so far). At least 1.
std::int64_t rows_per_batch(std::int64_t bytes, double rows, const PlanOptions& options);

// Children of `parent` cut at ascending keys (or pages) strictly inside it; their union is exactly the parent.
std::vector<Chunk> split_at(const Chunk& parent, const std::vector<std::string>& cuts);

// A cut in the middle of a key or ctid range for when no probe is possible; nothing if it cannot be cut.
// `lowest`, `highest` bound open ends.
std::optional<std::string> midpoint(const ChunkRange& range, std::int64_t lowest, std::int64_t highest);

}  // namespace pghaul
