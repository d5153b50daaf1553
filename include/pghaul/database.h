/// @file
/// What copy_table() needs of a database: written by its user, for any store there is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "pghaul/api.h"
#include "pghaul/deadline.h"
#include "pghaul/value.h"

namespace pghaul {

/// A session on one database, with one table in view whose rows have a number of their own, the id.
///
/// Threads: each worker has one, made for it by ConnectionPool::connect(); it is connected, used and destroyed on one
/// and the same thread, which is not the caller's of copy_table().
///
/// Deadlines: each call is to come back, by an error if need be, before the deadline that it is given. One that is not
/// back a second later is taken to hang: the copy ends with an error that names it, and its thread is left behind with
/// all that it uses (rows, this Database, the pool if that was given as a shared_ptr).
///
/// Errors: throw pghaul::Error with ErrorKind::transient where another try may help, and ErrorKind::connection_lost
/// where it needs another session, too: this Database is destroyed then, and the pool asked for a new one. A chunk is
/// tried again at most CopyOptions::max_retries times. Whatever else is thrown is final, and ends the copy with its
/// what() as the message. It should therefore hold no values of rows.
class PGHAUL_API Database {
 public:
  /// Closes the session.
  virtual ~Database();
  Database() = default;                           ///< of a class of yours
  Database(const Database&) = delete;             ///< a session is one thing
  Database& operator=(const Database&) = delete;  ///< a session is one thing

  /// The highest id of the table; 0 if it is empty. Called once in each copy, on the source. An id of 2^64 - 1 is
  /// refused: no range of ids could end behind it.
  virtual std::uint64_t max_id(const Deadline& deadline) = 0;

  /// All rows with min_id <= id < max_id, by ascending id, none of them twice. Called on the source.
  virtual std::vector<Row> load_rows(std::uint64_t min_id, std::uint64_t max_id, const Deadline& deadline) = 0;

  /// Stores the rows durably before it returns. Called on the target, with at most CopyOptions::batch_size rows.
  ///
  /// Idempotent: a row whose id is there already replaces what is there, as INSERT … ON CONFLICT DO UPDATE does. The
  /// record of progress lies elsewhere, so rows whose record was lost in a crash are saved a second time.
  virtual void save_rows(std::span<const Row> rows, const Deadline& deadline) = 0;

  /// An id such that no row has one in [from, that id): at best the lowest id that is not below `from`. Nothing if no
  /// such row exists. Called on the source, before ranges are loaded, so that gaps cost one call each.
  ///
  /// By default `from` itself: nothing is known. Then gaps are crossed by ranges that double as long as they are found
  /// empty. Behind a gap of G ids, one range may so be up to G ids wide and hold as many rows: where dense parts of
  /// a table follow on large gaps, either implement this or set CopyOptions::widest_range.
  virtual std::optional<std::uint64_t> next_id(std::uint64_t from, const Deadline& deadline);

  /// Empties the table. Called on the target when copy_table() is asked for a full copy, before its first row, and
  /// again if the copy is interrupted before that is recorded. By default nothing is done: rows of the source then
  /// replace those of the same id, and rows that the source no longer has stay.
  virtual void clear(const Deadline& deadline);
};

/// Makes the sessions of a copy. Threads: calls are made one at a time, on the threads of the workers.
class PGHAUL_API ConnectionPool {
 public:
  virtual ~ConnectionPool();                                  ///< when no session is in use any more
  ConnectionPool() = default;                                 ///< of a class of yours
  ConnectionPool(const ConnectionPool&) = delete;             ///< a pool is one thing
  ConnectionPool& operator=(const ConnectionPool&) = delete;  ///< a pool is one thing

  /// A session of its own on the database `dbname`, which is what copy_table() was called with. Errors and deadline are
  /// as in Database; connection_lost here is a try like others.
  virtual std::unique_ptr<Database> connect(std::string_view dbname, const Deadline& deadline) = 0;
};

}  // namespace pghaul
