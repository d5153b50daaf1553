// What a running job counts, for whoever shows it.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>

#include "pghaul/pg_copy_report.h"

namespace pghaul {

// Threads: counters may be read and added to from any thread; names and starting values are set before threads start.
struct TableProgress {
  std::string name;
  std::int64_t rows_before = 0, bytes_before = 0, chunks_before = 0;  // done by earlier runs of this generation
  std::atomic<std::int64_t> rows{0}, bytes{0}, chunks{0};             // durable on the target, by this run
  std::atomic<std::int64_t> bytes_expected{0};                        // estimate of what this run has to do
  std::atomic<std::int64_t> chunks_pending{0};
  std::atomic<std::int64_t> retries{0};
  std::atomic<std::int64_t> late_rows{0};
};

struct Progress {
  std::deque<TableProgress> tables;  // a deque: counters cannot be moved
  std::atomic<Phase> phase{Phase::preparing};
};

// The counters at one moment.
PgCopyProgress values_of(const Progress& progress);

}  // namespace pghaul
