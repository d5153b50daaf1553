// What commands tell in the end. Values; shown by the cli as text or JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pghaul/error.h"

namespace pghaul {

// Something that preflight noticed.
struct Finding {
  enum class Severity { warning, error };
  Severity severity = Severity::warning;
  std::string table;  // source name, or empty: concerns the servers
  std::string text;   // what is the matter
  std::string advice; // what to do
  Side side = Side::none;
  std::string server = {}; // label of the server concerned, where it is no table
};

struct TableReport {
  std::string source_table, target_table;
  std::string state;                  // complete, paused, interrupted, unchanged
  int generation = 0;
  bool resumed = false;
  std::int64_t rows = 0, bytes = 0, chunks = 0;              // by this run
  std::int64_t rows_total = 0, bytes_total = 0, chunks_total = 0;  // of the generation
  std::int64_t chunks_left = 0;
  std::int64_t retries = 0;
  std::int64_t late_rows = 0;
  std::optional<std::int64_t> high_water;
  bool settled = true;
  std::vector<std::string> created;   // "table", "primary key profiles_pkey", …
  std::vector<std::string> remarks;   // in whole sentences
};

struct CopyReport {
  std::vector<TableReport> tables;
  std::vector<Finding> findings;
  std::chrono::milliseconds time{0};
  int snapshots = 0;                  // points in time that the rows of this run come from; 0: one per chunk
  std::string snapshot_text;          // "one point in time", "3 points in time: …"
};

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
