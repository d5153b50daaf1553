/// @file
/// Copying one table from any database into any other.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string_view>

#include "pghaul/api.h"
#include "pghaul/database.h"
#include "pghaul/progress_store.h"

namespace pghaul {

/// How far a copy is. A value.
struct TableProgressNow {
  std::uint64_t rows = 0;     ///< saved and recorded by this call
  std::uint64_t ranges = 0;   ///< of ids, done by this call, empty ones included
  std::uint64_t retries = 0;  ///< of this call
};

/// How copy_table() does its work. A value; the defaults are meant for a database on the local network.
struct CopyOptions {
  std::size_t batch_size = 1000;  ///< rows: at most so many are given to save_rows(), about so many loaded; at least 1
  int readers = 2;                ///< threads that load, each with a Database of its own; at least 1
  int writers = 2;                ///< threads that save, each with a Database of its own; at least 1
  std::size_t queue_length = 2;   ///< loaded ranges that may wait for a writer; at least 1
  int max_retries = 3;            ///< of one range, for errors that say that they are transient; 0 to 3
  std::chrono::milliseconds retry_pause{200};        ///< before the first retry; doubles with each, ± 25 %
  std::chrono::milliseconds timeout{std::chrono::hours(24)};         ///< of the whole copy
  std::chrono::milliseconds call_timeout{std::chrono::seconds(60)};  ///< of each call of a Database, pool or store
  std::uint64_t widest_range = UINT64_MAX;  ///< ids: load_rows() is never asked for more; at least 1
  std::size_t id_column = 0;                ///< which column of each row holds the id, from 0

  /// Ids below the highest one of the run before that each later run takes again, for rows that became visible after
  /// rows with higher ids: a transaction can draw id 100, and commit after id 200 was copied.
  std::uint64_t look_back = 0;

  /// Where progress is kept. Nothing: in the file "FROM-to-TO.pghaul-progress" of the working directory, whatever is
  /// neither letter, digit, '_' nor '.' in the names written as %XX.
  std::shared_ptr<ProgressStore> progress;

  /// Called several times a second, on the thread that called copy_table(). What it throws ends the copy.
  std::function<void(const TableProgressNow&)> on_progress;

  /// Once requested, the copy ends with ErrorKind::stopped when the calls that run have come back.
  std::stop_token stop;
};

/// What copy_table() has done. A value.
struct CopySummary {
  TableProgressNow done;        ///< by this call
  bool resumed = false;         ///< ranges were left by an earlier call
  std::uint64_t up_to = 0;      ///< every id below is copied
  int generation = 1;           ///< counts the full copies of this table
};

/// Copies the table that `from` shows into the one that `to` shows, both of them opened by `pool`.
///
/// The first call copies every row whose id is not above max_id() at its start. Interrupted by whatever it may be, the
/// same call goes on where the record of progress ends; complete, it takes the ids that came since. A range of ids is
/// recorded as done after its rows were saved: a crash in between makes the next call save them once more, which does
/// no harm as save_rows() is idempotent. So the target holds every row once.
///
/// `full`: the record of progress is begun anew, Database::clear() is called on the target, and all rows are saved
/// again. After an interruption, call with full = false to go on; full = true begins anew again.
///
/// What is not seen: updates and deletes of rows copied before, and rows that became visible below the highest id after
/// it was asked for (see CopyOptions::look_back).
///
/// Memory: (readers + queue_length + writers) times what one range holds, about batch_size rows where ids lie evenly.
///
/// Threads: may be called from several at once, for different copies; each call starts readers + writers threads, and
/// as many again on which the user's code runs. Signals, standard error and locale of the program are left alone.
///
/// Errors: pghaul::Error of kind
///  - usage: an option is out of range
///  - refused: another process is at this copy; the record of progress is of another copy, or damaged; max_id() is
///    lower than what was copied
///  - stopped: CopyOptions::timeout is over or CopyOptions::stop was requested
///  - failed: the first cause, with side() and the range of ids; what a Database did against its contract, too
///
/// After an error that says that a call hangs, `pool` must live on until that call comes back; the other overload takes
/// care of that by itself.
PGHAUL_API CopySummary copy_table(ConnectionPool& pool, std::string_view from, std::string_view to, bool full,
                                  const CopyOptions& options = {});

/// The same with a pool that lives as long as somebody uses it: calls that hang do.
PGHAUL_API CopySummary copy_table(std::shared_ptr<ConnectionPool> pool, std::string_view from, std::string_view to,
                                  bool full, const CopyOptions& options = {});

}  // namespace pghaul
