// A user's Database, behind a thread of its own.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/call_thread.h"
#include "base/duration.h"
#include "pghaul/database.h"
#include "pghaul/error.h"

namespace pghaul {

// What the sessions of a copy have in common. Threads: safe; shared by hung calls, too.
class DatabaseCalls {
 public:
  DatabaseCalls(std::shared_ptr<ConnectionPool> pool, Duration call_timeout, Deadline whole)
      : pool_(std::move(pool)), call_timeout_(call_timeout), whole_(whole) {}

  // Of a call that begins now.
  Deadline deadline() const { return Deadline::after(call_timeout_).sooner(whole_); }
  // Waits for its turn. Errors: transient, when another call has not come back at the deadline; whatever the pool throws.
  std::unique_ptr<Database> connect(const std::string& dbname, const Deadline& deadline);

  // The first call that hung: the end of the whole is known by its reason, and would hide it.
  void note_hung(const Error& error);
  std::optional<Error> hung() const;

 private:
  class Turn;

  const std::shared_ptr<ConnectionPool> pool_;
  const Duration call_timeout_;
  const Deadline whole_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  bool connecting_ = false;
  std::optional<Error> hung_;
};

// One worker's Database: made, used and destroyed on one thread. Threads: one at a time.
// Errors: those of the user's code with side and name of the database; what it throws else as failed; failed too, when
// a call does not come back. After connection_lost the next call connects again.
class DatabaseSession {
 public:
  DatabaseSession(std::shared_ptr<DatabaseCalls> calls, Side side, std::string dbname);
  ~DatabaseSession();

  // Makes sure that there is a Database.
  void connect();

  std::uint64_t max_id();
  std::optional<std::uint64_t> next_id(std::uint64_t from);
  std::vector<Row> load_rows(std::uint64_t min_id, std::uint64_t max_id);
  // Those from `first` on, `count` of them.
  void save_rows(std::shared_ptr<const std::vector<Row>> rows, std::size_t first, std::size_t count);
  void clear();

 private:
  struct Open;  // what a hung call owns

  // Runs `work` with the Database; what it returns arrives by what it captures, which it must own.
  void call(std::string_view name, std::function<void(Database&, const Deadline&)> work);
  void run(std::string_view name, Deadline deadline, std::function<void()> work);
  void close() noexcept;
  [[noreturn]] void hangs(std::string_view name);

  const std::shared_ptr<DatabaseCalls> calls_;
  const Side side_;
  const std::string dbname_;
  std::unique_ptr<CallThread> thread_;
  std::shared_ptr<Open> open_;  // null: not connected
};

}  // namespace pghaul
