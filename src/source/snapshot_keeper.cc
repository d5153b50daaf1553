#include "source/snapshot_keeper.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/log.h"
#include "base/sqlstate.h"
#include "pg/quote.h"
#include "pg/statement_deadline.h"

namespace pghaul {
namespace {

constexpr auto age_look_interval = std::chrono::milliseconds(50);

// Ending sessions takes a moment, too.
Deadline::Clock::duration usable_part(Duration max_age) {
  return max_age - std::min<Deadline::Clock::duration>(max_age / 10, std::chrono::seconds(2));
}

constexpr std::string_view begin_sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

// A snapshot that does not exist is an invalid parameter up to version 16, an undefined object since 17.
bool anchor_is_gone(const Error& error) {
  return error.sqlstate() == sqlstate::invalid_parameter_value ||
         error.sqlstate() == sqlstate::undefined_object ||
         error.sqlstate() == sqlstate::object_not_in_prerequisite_state;
}

void roll_back(pg::Connection& connection, Deadline deadline) {
  if (connection.usable() && connection.in_transaction()) connection.run("ROLLBACK", deadline);
}

// True if the connection is now in the snapshot; false if the id names no snapshot or, after a restart of the server,
// another one: ids repeat.
bool import_snapshot(pg::Connection& connection, const std::string& id, const std::string& text, Deadline deadline) {
  try {
    const auto row = connection.run(fmt::format("{}; SET TRANSACTION SNAPSHOT {}; SELECT pg_catalog.pg_current_snapshot()",
                                                begin_sql, pg::quote_literal(id)),
                                    deadline);
    if (row.text(0, 0) == text) return true;
  } catch (const Error& error) {
    if (!anchor_is_gone(error)) throw;
  }
  roll_back(connection, deadline);
  return false;
}

}  // namespace

SnapshotKeeper::SnapshotKeeper(pg::Endpoint endpoint, pg::SessionOptions session, Options options,
                               Duration statement_timeout)
    : endpoint_(std::move(endpoint)),
      session_(std::move(session)),
      options_(options),
      statement_timeout_(statement_timeout) {
  if (!options_.max_age) return;
  age_watch_ = std::jthread([this, log = LogScope::of_this_thread()](const std::stop_token& done) {
    const LogScope scope(log);
    watch_age(done);
  });
}

void SnapshotKeeper::open(const std::vector<SourceTable>& tables) {
  const std::lock_guard lock(mutex_);
  tables_ = tables;
  take_snapshot();
}

std::map<std::uint32_t, std::uint32_t> SnapshotKeeper::read_filenodes(pg::Connection& connection) {
  std::vector<std::uint32_t> oids;
  for (const auto& table : tables_) {
    const auto read = relations_read(table, {});
    oids.insert(oids.end(), read.begin(), read.end());
  }
  const auto rows = connection.query(
      "SELECT r.oid, pg_catalog.pg_relation_filenode(r.oid) FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS r(oid)",
      {fmt::format("{{{}}}", fmt::join(oids, ","))}, pg::statement_deadline(statement_timeout_));
  std::map<std::uint32_t, std::uint32_t> nodes;
  for (int row = 0; row < rows.rows(); ++row) {
    nodes[static_cast<std::uint32_t>(rows.int64(row, 0))] = static_cast<std::uint32_t>(rows.int64(row, 1));
  }
  return nodes;
}

void SnapshotKeeper::take_snapshot() {
  anchors_.clear();
  too_old_ = false;
  const auto deadline = pg::statement_deadline(statement_timeout_);
  auto connection = std::make_unique<pg::Connection>(endpoint_, session_);
  // A TRUNCATE next to the snapshot would leave an old snapshot with a new file: the filenodes are read on both sides
  // of it, until they agree.
  pg::Result row;
  auto before = read_filenodes(*connection);
  for (;;) {
    if (options_.max_age) snapshot_.until = Deadline::after(usable_part(*options_.max_age));
    row = connection->run(
        fmt::format("{}; SELECT pg_catalog.pg_export_snapshot(), pg_catalog.pg_current_snapshot()", begin_sql), deadline);
    snapshot_.filenodes = read_filenodes(*connection);
    if (snapshot_.filenodes == before) break;
    before = snapshot_.filenodes;
    roll_back(*connection, deadline);
  }
  snapshot_.text = row.text(0, 1);
  anchors_.push_back({std::move(connection), std::string(row.text(0, 0))});
  snapshot_.number = ++taken_;
  while (static_cast<int>(anchors_.size()) < options_.anchors && add_anchor()) {
  }
}

// Best effort: with too few anchors the job still runs.
bool SnapshotKeeper::add_anchor() {
  try {
    auto connection = std::make_unique<pg::Connection>(endpoint_, session_);
    const auto deadline = pg::statement_deadline(statement_timeout_);
    for (const auto& anchor : anchors_) {
      if (!import_snapshot(*connection, anchor.id, snapshot_.text, deadline)) continue;
      const auto row = connection->run("SELECT pg_catalog.pg_export_snapshot()", deadline);
      anchors_.push_back({std::move(connection), std::string(row.text(0, 0))});
      return true;
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::stopped) throw;
    log_warning("no further snapshot anchor: {}", error.headline());
  }
  return false;
}

// For one more chunk. A fresh one always has.
bool SnapshotKeeper::has_time() const {
  if (!options_.max_age) return true;
  const auto needed = std::min<Deadline::Clock::duration>(usual_read_, usable_part(*options_.max_age) * 9 / 10);
  return snapshot_.until.remaining() > needed;
}

void SnapshotKeeper::note_read(Duration time) {
  const std::lock_guard lock(mutex_);
  usual_read_ = std::max(time * 5 / 4, usual_read_ * 9 / 10);
}

// Also where nobody asks for the snapshot: readers may sleep, or wait for room.
void SnapshotKeeper::watch_age(const std::stop_token& done) {
  std::unique_lock lock(mutex_);
  while (!done.stop_requested()) {
    if (!anchors_.empty() && snapshot_.until.expired()) {
      anchors_.clear();
      too_old_ = true;
    }
    ending_.wait_for(lock, done, age_look_interval, [] { return false; });
  }
}

JobSnapshot SnapshotKeeper::begin_in_snapshot(pg::Connection& connection, Deadline deadline) {
  const std::lock_guard lock(mutex_);
  if (!has_time()) {
    anchors_.clear();
    too_old_ = true;
  }
  for (const auto& anchor : anchors_) {
    if (import_snapshot(connection, anchor.id, snapshot_.text, deadline)) return snapshot_;
  }
  if (options_.require_one) {
    throw Error(ErrorKind::failed, "the snapshot was lost, and --require-one-snapshot forbids to go on with another")
        .on(Side::source)
        .safe("all finished chunks are kept")
        .advise("run the same command with --full, or without --require-one-snapshot to continue in a new snapshot");
  }
  if (too_old_) log_debug("the snapshot is getting too old; going on in a new one");
  else log_warning("all snapshot anchors were lost; going on in a new snapshot");
  take_snapshot();
  if (!import_snapshot(connection, anchors_.front().id, snapshot_.text, deadline)) {
    throw Error(ErrorKind::transient, "the new snapshot was lost at once").on(Side::source);
  }
  return snapshot_;
}

void SnapshotKeeper::drop_dead_anchors() {
  std::erase_if(anchors_, [&](Anchor& anchor) {
    try {
      anchor.connection->run("SELECT", Deadline::after(std::chrono::seconds(10)));
      return false;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::stopped) throw;
      log_warning("a snapshot anchor was lost: {}", error.headline());
      return true;
    }
  });
}

void SnapshotKeeper::keep_alive() {
  const std::lock_guard lock(mutex_);
  if (anchors_.empty()) return;
  drop_dead_anchors();
  if (!anchors_.empty() && static_cast<int>(anchors_.size()) < options_.anchors) add_anchor();
}

void SnapshotKeeper::release() noexcept {
  const std::lock_guard lock(mutex_);
  anchors_.clear();
}

int SnapshotKeeper::snapshots_taken() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

}  // namespace pghaul
