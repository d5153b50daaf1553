/// @file
/// Where copy_table() keeps the record of what is done.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pghaul/api.h"
#include "pghaul/deadline.h"

namespace pghaul {

/// A list of records, short lines of printable text, that outlives the process. Records are added at its end; now and
/// then the whole list is replaced by a shorter one that says the same.
///
/// Threads: calls are made one at a time, not always from the same thread. Errors: every error ends the copy; a store
/// that can try again does so itself. Deadlines: as for Database.
class PGHAUL_API ProgressStore {
 public:
  /// Lets another process have it.
  virtual ~ProgressStore();
  ProgressStore() = default;                                ///< of a class of yours
  ProgressStore(const ProgressStore&) = delete;             ///< a store is one thing
  ProgressStore& operator=(const ProgressStore&) = delete;  ///< a store is one thing

  /// For messages, as "/var/lib/shop.progress".
  virtual std::string name() const = 0;

  /// Called once, before anything else. Makes the list if there is none, keeps others from using it until close() or
  /// the end of this process, and gives its records in their order. `copy` tells several copies in one place apart.
  /// Errors: refused, if another process uses it.
  virtual std::vector<std::string> open(const std::string& copy, const Deadline& deadline) = 0;

  /// Adds a record. It is durable when this returns; after an error it may be there or not.
  virtual void append(const std::string& record, const Deadline& deadline) = 0;

  /// Puts these records in the place of all, as one step: after a crash either the old ones are there or these.
  virtual void replace(std::span<const std::string> records, const Deadline& deadline) = 0;

  /// Ends what open() began; open() may be called again. Nothing if it is not open. Never throws.
  virtual void close() noexcept = 0;
};

/// Keeps progress in a file of its own, made if it is missing. Each record has a checksum and is synchronised to disk;
/// a last line that a crash left torn is dropped; the list is replaced by rename(). The file is locked (flock), so its
/// file system must be one that can do that.
/// Errors of the store: refused, if another process has it locked, if it is no such file, or if it is damaged; failed
/// with errno when it cannot be written. Nothing is touched before ProgressStore::open().
PGHAUL_API std::shared_ptr<ProgressStore> progress_in_file(std::filesystem::path file);

/// Keeps progress in a table of a PostgreSQL server, made if it is missing; one table may serve many copies.
/// `conninfo` is a connection string of libpq, `table` a name as "schema.table" or "table" (then in schema public),
/// looked up as it is, without folding. An advisory lock keeps other processes away; when the session is lost, another
/// one is opened, and the call goes on if nobody else has been there in between.
/// Errors of the store: usage, if conninfo cannot be read; refused, if another process uses this copy's records or
/// they are damaged; others as the server says.
PGHAUL_API std::shared_ptr<ProgressStore> progress_in_table(const std::string& conninfo, const std::string& table);

}  // namespace pghaul
