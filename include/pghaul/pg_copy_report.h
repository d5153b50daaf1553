/// @file
/// What a copy from PostgreSQL to PostgreSQL tells, on its way and in the end.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pghaul/error.h"

namespace pghaul {

/// What a job is doing as a whole.
enum class Phase {
  preparing,              ///< inspecting, planning
  waiting_for_late_rows,  ///< for transactions that may commit rows with lower keys
  copying,                ///< rows
  checking_indexes,       ///< of a comparison: whether they know all rows
  comparing,              ///< both sides
  looking_again,          ///< at what differed
  building_indexes,       ///< on the target
  vacuuming,              ///< the target
  finished,               ///< all done
};

/// Counters of a table. A value.
struct PgTableProgress {
  std::string name;                ///< of the source's table
  std::int64_t rows_before = 0;    ///< done by earlier runs of this generation
  std::int64_t bytes_before = 0;   ///< done by earlier runs of this generation
  std::int64_t chunks_before = 0;  ///< done by earlier runs of this generation
  std::int64_t rows = 0;           ///< durable on the target, by this run
  std::int64_t bytes = 0;          ///< durable on the target, by this run
  std::int64_t chunks = 0;         ///< durable on the target, by this run
  std::int64_t bytes_expected = 0; ///< estimate of what this run has to do
  std::int64_t chunks_pending = 0; ///< to be done
  std::int64_t retries = 0;        ///< of chunks, by this run
  std::int64_t late_rows = 0;      ///< found and merged by this run
};

/// Where the time of the threads of one kind went, all of them together. A value.
struct StageReport {
  /// What they waited for.
  struct Wait {
    std::string what;                   ///< source_answer, source_rows, no_chunk, no_batch, no_room, target_room, …
    std::chrono::microseconds time{0};  ///< so long
  };
  std::string stage;                        ///< "readers" or "writers"
  int threads = 0;                          ///< so many
  std::int64_t rows = 0;                    ///< that passed through, those of repeated tries too
  std::int64_t bytes = 0;                   ///< that passed through, those of repeated tries too
  std::chrono::microseconds time{0};        ///< that the threads lived; the sum of `working`, `for_input`, `for_output` and `held`
  std::chrono::microseconds cpu{0};         ///< processor time, part of `working` for the most part
  std::chrono::microseconds working{0};     ///< on their own
  std::chrono::microseconds for_input{0};   ///< waiting for rows, or for a batch
  std::chrono::microseconds for_output{0};  ///< waiting for somebody to take rows, and for the target
  std::chrono::microseconds held{0};        ///< by a rate, a sleep, a pause before another try, connecting
  std::vector<Wait> waits;                  ///< the last three in detail
};

/// What kept a copy from being faster. A value.
struct LimitReport {
  std::string by;   ///< "source server", "network from the source", "pghaul", "target server", "--max-rate", …; empty: unknown
  std::string why;  ///< in a sentence
};

/// How far a job is. A value.
struct PgCopyProgress {
  Phase phase = Phase::preparing;       ///< of the whole job
  std::vector<PgTableProgress> tables;  ///< in the order of the options; none before they were inspected
  std::string limit = {};               ///< LimitReport::by of the last seconds, with PgCopyOptions::stats
};

/// Something that was noticed before anything was written. A value.
struct Finding {
  /// Whether the copy may begin.
  enum class Severity {
    warning,  ///< it may
    error,    ///< it is refused
  };
  Severity severity = Severity::warning;  ///< whether the copy may begin
  std::string table;                      ///< of the source, or empty: concerns the servers
  std::string text;                       ///< what is the matter
  std::string advice;                     ///< what to do
  Side side = Side::none;                 ///< which server
  std::string server = {};                ///< label of the server concerned, where it is no table
};

/// What was done with a table. A value.
struct TableReport {
  std::string source_table;     ///< "schema.table"
  std::string target_table;     ///< "schema.table"
  std::string state;            ///< complete, paused, interrupted, unchanged
  int generation = 0;           ///< counts the full copies of this table
  bool resumed = false;         ///< chunks were left by an earlier run
  std::int64_t rows = 0;        ///< by this run
  std::int64_t bytes = 0;       ///< by this run, as they travelled
  std::int64_t chunks = 0;      ///< by this run
  std::int64_t rows_total = 0;    ///< of the generation
  std::int64_t bytes_total = 0;   ///< of the generation
  std::int64_t chunks_total = 0;  ///< of the generation
  std::int64_t chunks_left = 0;   ///< of the generation
  std::int64_t retries = 0;       ///< of chunks, by this run
  std::int64_t late_rows = 0;     ///< found and merged by this run
  std::optional<std::int64_t> high_water;  ///< key up to which the generation is complete
  bool settled = true;                     ///< no open transaction can bring rows below it
  std::vector<std::string> created;        ///< "table", "primary key profiles_pkey", …
  std::vector<std::string> remarks;        ///< in whole sentences
};

/// What a job has done. A value.
struct CopyReport {
  std::vector<TableReport> tables;    ///< in the order of the options; none if it ended before they were inspected
  std::vector<Finding> findings;      ///< of the check before anything was written
  std::chrono::milliseconds time{0};  ///< that it took
  int snapshots = 0;                  ///< points in time that the rows of this run come from; 0: one per chunk
  std::string snapshot_text;          ///< "one point in time", "3 points in time: …"
  std::vector<StageReport> stages;    ///< with PgCopyOptions::stats
  LimitReport limit;                  ///< with PgCopyOptions::stats
};

}  // namespace pghaul
