// What commands tell in the end. Values; shown by the cli as text or JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pghaul/pg_copy_report.h"

namespace pghaul {

struct PlannedTable {
  std::string source_table, target_table;
  std::string action;                 // "copy", "continue: 12 of 80 chunks left", "take what was gained", "nothing to do"
  std::string reason;
  std::string record_format;          // "binary" or "text"
  std::string why_text;               // what keeps the rows from travelling in binary; empty if they do
  std::string key_column;
  std::int64_t estimated_rows = -1, estimated_bytes = 0;
  std::int64_t rows_per_batch = 0;
  std::optional<std::int64_t> high_water;
  struct Range {
    std::string text;                 // "id in [1, 5000)"
    std::int64_t estimated_bytes = 0;
    bool coarse = false;              // cut further when it is claimed
    bool tail = false;
    std::string member = {};          // the only partition or child that it reads; empty: the table
  };
  std::vector<Range> chunks;
  std::vector<std::string> indexes;   // to build after the rows
};

struct PlanReport {
  std::vector<PlannedTable> tables;
  std::vector<Finding> findings;
  int source_connections = 0;
  int primary_connections = 0;        // of a standby as source
  int target_connections = 0;
  std::int64_t sample_bytes = 0;      // measured
  std::chrono::milliseconds sample_time{0};
  std::optional<std::chrono::milliseconds> eta;
};

struct TableStatus {
  int id = 0;
  std::string source_database, source_table, target_table, where_sql, columns;
  std::string state;                  // complete, running, interrupted, paused, failed, new
  std::string owner;                  // "process 12 on host x since …", if running
  std::string last_stop;
  int generation = 0;
  std::string started_at, finished_at;
  std::int64_t chunks_done = 0, chunks_pending = 0, rows_done = 0, bytes_done = 0, bytes_pending = 0;
  double bytes_per_second = 0;        // over the last minute if running, else over the whole run
  std::optional<std::chrono::milliseconds> eta;
  bool resumable = false;
  std::string resume_text;            // what a resume would do and redo, or why it cannot
  std::vector<std::string> failures;  // newest failed attempts
  struct Member {
    std::string name;
    std::int64_t chunks_done = 0, chunks_pending = 0, rows_done = 0;
  };
  std::vector<Member> members;        // partitions or children that are read alone
};

struct StatusReport {
  bool ledger = false;                // there is one
  std::string ledger_schema;
  std::vector<TableStatus> tables;
};

}  // namespace pghaul
