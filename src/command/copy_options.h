// What `copy` and `plan` were asked to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/duration.h"
#include "plan/planner.h"
#include "sink/target_query.h"

namespace pghaul {

enum class SnapshotMode { shared, chunk };
enum class LateRows { wait, scan, ignore };

// What preflight would refuse but was told to let pass (--allow).
struct Allowed {
  bool triggers = false;
  bool foreign_keys = false;
  bool rewritten = false;         // the source's file changed since the copy began
  bool failover = false;          // the source is on another timeline than when the copy began
  bool untested_version = false;  // --untested-version
};

struct PgCopyOptions {
  std::string source, target;       // libpq connection strings
  std::string primary;              // of a source that is a standby, to see who still writes; empty: nobody is asked
  std::vector<std::string> tables;  // as given
  std::vector<std::string> columns;
  std::string where_sql;
  bool only = false;                // the table without those that inherit from it
  std::string ledger_schema = "pghaul";

  bool full = false;
  bool take_over = false;
  OnConflict on_conflict = OnConflict::error;
  Allowed allowed;

  int readers = 2;
  int writers = 2;
  PlanOptions plan;  // batch size, chunk-by

  Duration timeout{std::chrono::hours(24)};
  Duration statement_timeout{std::chrono::seconds(60)};
  Duration connect_timeout{std::chrono::seconds(10)};
  Duration reconnect_timeout{std::chrono::seconds(60)};
  int max_retries = 3;

  std::optional<std::int64_t> max_rate;  // bytes per second
  Duration sleep{0};
  std::optional<std::int64_t> max_chunks;

  SnapshotMode snapshot = SnapshotMode::shared;
  bool require_one_snapshot = false;
  Duration late_wait{std::chrono::seconds(10)};
  LateRows late_rows = LateRows::wait;
};

}  // namespace pghaul
