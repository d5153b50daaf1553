/// @file
/// What a copy from PostgreSQL to PostgreSQL is asked to do.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pghaul {

/// What a table's chunks are pieces of.
enum class ChunkBy {
  automatic,  ///< the key where there is one that will do, else pages
  key,        ///< ranges of the key; refused if there is none
  ctid,       ///< pages, valid inside one snapshot only
  whole,      ///< the table in one piece
};

/// How a table is cut into chunks. A value.
struct PlanOptions {
  std::int64_t batch_bytes = 8'000'000;    ///< of a chunk, about
  std::optional<std::int64_t> batch_rows;  ///< of a chunk, at most about so many
  ChunkBy chunk_by = ChunkBy::automatic;   ///< pieces of what
};

/// What becomes of a row whose key the target has already.
enum class OnConflict {
  error,   ///< the target is the copy's alone, and such a row an error
  skip,    ///< the target's row stays
  update,  ///< the source's row replaces it
};

/// How long a snapshot of the source is held.
enum class SnapshotMode {
  shared,  ///< one for all rows
  chunk,   ///< one for each chunk: several points in time, and production's vacuum is hardly held back
};

/// What is done about rows whose transactions commit after rows with higher keys.
enum class LateRows {
  wait,    ///< open transactions are waited for; what outlasts the wait is looked for by the next run
  scan,    ///< looked for by every run, by one scan of the source
  ignore,  ///< nothing
};

/// What is done with a table of the target once its rows and indexes are there, once in a full copy.
enum class AfterCopy {
  vacuum,   ///< VACUUM (ANALYZE): index-only scans work at once, and the first readers write no hint bits
  analyze,  ///< ANALYZE: statistics for the planner
  none,     ///< nothing; autovacuum will come by
};

/// What would be refused but was told to pass. A value.
struct Allowed {
  bool triggers = false;          ///< the target has some, which fire for each row
  bool foreign_keys = false;      ///< the target has some, which are checked for each row
  bool rewritten = false;         ///< the source's file changed since the copy began
  bool failover = false;          ///< the source is on another timeline than when the copy began
  bool untested_version = false;  ///< a server is of a version that was not tested
};

/// What PgCopyJob copies, and how: the options of `pghaul copy`, whose manual says more on each. A value.
struct PgCopyOptions {
  std::string source;                     ///< connection string of libpq, in either form
  std::string primary;                    ///< of a source that is a standby, to see who still writes; empty: nobody is asked
  std::string target;                     ///< connection string of libpq, in either form
  std::vector<std::string> tables;        ///< "schema.table", folded to lower case where not in double quotes; at least one
  std::vector<std::string> columns;       ///< that are copied, exactly as they are called; empty: all
  std::string where_sql;                  ///< condition that copied rows meet; empty: none
  bool only = false;                      ///< a table without those that inherit from it
  std::string ledger_schema = "pghaul";   ///< on the target, for the record of what is done

  bool full = false;       ///< empties the target, and copies anew
  bool take_over = false;  ///< ends the session of a process that is at the same copy
  OnConflict on_conflict = OnConflict::error;  ///< merges into a target that has rows, if not `error`
  Allowed allowed;                             ///< what is let pass

  int readers = 2;   ///< threads and sessions on the source; at least 1
  int writers = 2;   ///< threads and sessions on the target; at least 1
  std::optional<int> max_workers;  ///< more of either are added up to so many of each, where that pays
  PlanOptions plan;  ///< size of chunks

  std::chrono::milliseconds timeout{std::chrono::hours(24)};              ///< of the whole job
  std::chrono::milliseconds statement_timeout{std::chrono::seconds(60)};  ///< of each query that moves or plans rows
  std::chrono::milliseconds connect_timeout{std::chrono::seconds(10)};    ///< of each try to connect
  std::chrono::milliseconds reconnect_timeout{std::chrono::seconds(60)};  ///< how long a lost server is waited for
  int max_retries = 3;                                                    ///< of one chunk, for errors that may pass

  std::optional<std::int64_t> max_rate;    ///< bytes per second, of all readers together
  std::chrono::milliseconds sleep{0};      ///< of each reader after each chunk
  std::optional<std::int64_t> max_chunks;  ///< the job pauses after so many

  SnapshotMode snapshot = SnapshotMode::shared;              ///< how long a snapshot is held
  bool require_one_snapshot = false;                         ///< stops rather than to mix points in time
  std::optional<std::chrono::milliseconds> max_snapshot_age; ///< a shared one that gets older is replaced: several points in time
  std::chrono::milliseconds late_wait{std::chrono::seconds(10)};  ///< how long open transactions are waited for
  LateRows late_rows = LateRows::wait;                       ///< what is done about late rows
  AfterCopy after_copy = AfterCopy::vacuum;                  ///< what follows rows and indexes

  bool stats = false;  ///< tell where the time of readers and writers went, and what limits
};

}  // namespace pghaul
