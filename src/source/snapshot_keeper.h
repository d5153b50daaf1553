// The job's shared snapshot, kept alive by several sessions.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/duration.h"
#include "pg/connection.h"
#include "source/table_query.h"

namespace pghaul {

// A snapshot and what it is bound to.
struct JobSnapshot {
  std::string text;                      // as pg_current_snapshot() gives it
  std::map<std::uint32_t, std::uint32_t> filenodes;  // pg_relation_filenode() of each table and member in it, by its oid
  int number = 0;                                    // the keeper's first is 1
  Deadline until = Deadline::never();                // whoever is in it then has to leave it
};

// Anchors are sessions that hold the snapshot and export it, each under an id of its own: the first takes it, the others
// import it. As long as one lives, the snapshot can be imported. If all are lost, a new snapshot is taken, unless
// one snapshot was asked for. So it is when the snapshot gets older than `max_age`: its anchors are ended a little before that,
// and whoever reads in it sees to it that he has left it by JobSnapshot::until.
// Threads: safe; has one of its own where there is a `max_age`. Errors: failed from begin_in_snapshot() if a new snapshot would be needed but is not wanted.
class SnapshotKeeper {
 public:
  struct Options {
    int anchors = 2;
    bool require_one = false;
    std::optional<Duration> max_age = {};
  };

  SnapshotKeeper(pg::Endpoint endpoint, pg::SessionOptions session, Options options, Duration statement_timeout);

  // Takes the first snapshot.
  void open(const std::vector<SourceTable>& tables);

  // Begins a READ ONLY transaction of `connection` in the snapshot. Also throws what the connection throws.
  JobSnapshot begin_in_snapshot(pg::Connection& connection, Deadline deadline);

  // So long was a chunk read. One that is like it is not begun in a snapshot that would get too old meanwhile.
  void note_read(Duration time);

  // Pings the anchors, and replaces lost ones while another lives. To be called every few seconds.
  void keep_alive();

  // Ends the snapshot: the source's vacuum is free again.
  void release() noexcept;

  // How many snapshots were taken so far; more than one: the copy is not of one point in time.
  int snapshots_taken() const;

 private:
  struct Anchor {
    std::unique_ptr<pg::Connection> connection;
    std::string id;
  };

  void take_snapshot();
  bool has_time() const;
  void watch_age(const std::stop_token& done);
  bool add_anchor();
  void drop_dead_anchors();
  std::map<std::uint32_t, std::uint32_t> read_filenodes(pg::Connection& connection);

  const pg::Endpoint endpoint_;
  const pg::SessionOptions session_;
  const Options options_;
  const Duration statement_timeout_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::vector<SourceTable> tables_;
  std::vector<Anchor> anchors_;
  JobSnapshot snapshot_;
  int taken_ = 0;
  bool too_old_ = false;     // why there are no anchors
  Duration usual_read_{0};   // of a chunk

  std::condition_variable_any ending_;
  std::jthread age_watch_;  // ends first
};

}  // namespace pghaul
