// What `verify` tells in the end. Values; shown by the cli as text or JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "command/report.h"

namespace pghaul {

struct ColumnDifference {
  std::string column;
  std::optional<std::string> source, target;  // with --show-values; nothing: NULL
};

// A row that the sides do not have alike.
struct RowDifference {
  std::vector<std::string> key;  // values of VerifiedTable::key_columns, or the row's two hashes
  bool by_key = true;
  std::int64_t on_source = 0, on_target = 0;  // how many rows of this key (or hash) there are
  std::vector<ColumnDifference> columns;      // where there is one on each side
};

// With --counts: a range that has not as many rows on both sides; with --from-ledger: that has other rows
// than recorded.
struct RangeDifference {
  std::string range;  // "id in [1, 5000)"
  std::int64_t on_source = 0, on_target = 0;
};

// With --seq-scan: a range of which an index knows other rows than the table has.
struct SuspectedIndex {
  Side side = Side::none;
  std::string index, range;
  std::int64_t by_index = 0, in_table = 0;
};

struct VerifiedTable {
  std::string source_table, target_table;
  std::string state = "unfinished";  // equal, equal_counts, equal_in_sample, different, unfinished
  std::string strategy;              // how it was cut
  std::string equality;              // what makes two rows equal
  std::int64_t chunks = 0;
  std::int64_t chunks_before = 0;                            // of these, by earlier runs
  std::int64_t chunks_passed_over = 0;                       // with --sample
  std::int64_t source_rows = 0, target_rows = 0, bytes = 0;  // compared
  std::vector<std::string> key_columns;
  std::int64_t differences = 0;          // confirmed
  std::vector<RowDifference> rows;       // of these, at most --limit
  std::vector<RowDifference> in_motion;  // changed from one look to the next until the end, at most --limit
  std::int64_t rows_in_motion = 0;       // with --counts: ranges
  std::vector<RangeDifference> ranges;   // with --counts, at most --limit
  std::vector<SuspectedIndex> suspected_indexes;
  std::int64_t chunks_left = 0;  // that differ and were not looked into, as --limit was reached
  std::int64_t retries = 0;
};

struct VerifyReport {
  std::vector<VerifiedTable> tables;
  std::vector<Finding> findings;
  std::chrono::milliseconds time{0};
  bool show_values = false;
  bool from_ledger = false;  // "source" is what was recorded
  std::vector<StageReport> stages;  // with --stats
  LimitReport limit;                // with --stats
};

}  // namespace pghaul
