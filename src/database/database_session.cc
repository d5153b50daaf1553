#include "database/database_session.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace pghaul {
namespace {

// For calls that end by their deadline, to be back.
constexpr auto grace = std::chrono::seconds(1);

// The kinds that decide about another try are the user's to choose; what others mean is the copy's affair.
Error completed(Error error, Side side, const std::string& dbname) {
  if (!error.retryable()) error.become(ErrorKind::failed);
  if (error.side() == Side::none) error.on(side);
  if (error.object().empty()) error.about(dbname);
  if (error.what_is_safe().empty()) error.safe("what was saved and recorded stays; nothing of it is lost");
  if (error.advice().empty()) error.advise("mend the cause and call copy_table() again with full = false");
  return error;
}

}  // namespace

class DatabaseCalls::Turn {
 public:
  Turn(DatabaseCalls& calls, const Deadline& deadline) : calls_(calls) {
    std::unique_lock lock(calls_.mutex_);
    while (calls_.connecting_) {
      if (deadline.expired()) throw Error(ErrorKind::transient, "connect() waits for another one that has not come back");
      calls_.changed_.wait_for(lock, std::min<Deadline::Clock::duration>(deadline.remaining(), std::chrono::hours(1)));
    }
    calls_.connecting_ = true;
  }
  ~Turn() {
    const std::lock_guard lock(calls_.mutex_);
    calls_.connecting_ = false;
    calls_.changed_.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  DatabaseCalls& calls_;
};

std::unique_ptr<Database> DatabaseCalls::connect(const std::string& dbname, const Deadline& deadline) {
  const Turn turn(*this, deadline);
  auto database = pool_->connect(dbname, deadline);
  if (!database) throw Error(ErrorKind::failed, "connect() returned no Database");
  return database;
}

void DatabaseCalls::note_hung(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!hung_) hung_ = error;
}

std::optional<Error> DatabaseCalls::hung() const {
  const std::lock_guard lock(mutex_);
  return hung_;
}

struct DatabaseSession::Open {
  std::unique_ptr<Database> database;
};

DatabaseSession::DatabaseSession(std::shared_ptr<DatabaseCalls> calls, Side side, std::string dbname)
    : calls_(std::move(calls)), side_(side), dbname_(std::move(dbname)) {}

DatabaseSession::~DatabaseSession() { close(); }

void DatabaseSession::hangs(std::string_view name) {
  thread_.reset();
  open_.reset();
  const auto error = completed(
      Error(ErrorKind::failed, fmt::format("{}() has not come back after its deadline", name)), side_, dbname_);
  calls_->note_hung(error);
  throw error;
}

// A user's code may throw anything.
void DatabaseSession::run(std::string_view name, Deadline deadline, std::function<void()> work) {
  const auto latest = deadline.is_never() ? deadline : Deadline::at(deadline.when() + grace);
  bool back = false;
  try {
    back = thread_->run(std::move(work), latest);
  } catch (const Error& error) {
    throw completed(error, side_, dbname_);
  } catch (const std::exception& error) {
    throw completed(Error(ErrorKind::failed, fmt::format("{}(): {}", name, error.what())), side_, dbname_);
  } catch (...) {
    throw completed(Error(ErrorKind::failed, fmt::format("{}() threw what is no std::exception", name)), side_, dbname_);
  }
  if (!back) hangs(name);
}

void DatabaseSession::connect() {
  if (open_) return;
  if (!thread_) thread_ = std::make_unique<CallThread>();
  const auto open = std::make_shared<Open>();
  const auto deadline = calls_->deadline();
  run("connect", deadline, [open, calls = calls_, dbname = dbname_, deadline] {
    open->database = calls->connect(dbname, deadline);
  });
  open_ = open;
}

void DatabaseSession::call(std::string_view name, std::function<void(Database&, const Deadline&)> work) {
  connect();
  const auto deadline = calls_->deadline();
  try {
    run(name, deadline, [open = open_, deadline, work = std::move(work)] { work(*open->database, deadline); });
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::connection_lost) close();
    throw;
  }
}

// On its own thread, too; a destructor that hangs is left behind, as there is nothing left to wait for.
void DatabaseSession::close() noexcept {
  if (!open_) return;
  try {
    const bool back = thread_->run([open = std::exchange(open_, nullptr)] { open->database.reset(); },
                                   Deadline::after(grace).sooner(calls_->deadline()));
    if (!back) thread_.reset();
  } catch (...) {
    thread_.reset();
  }
}

std::uint64_t DatabaseSession::max_id() {
  const auto result = std::make_shared<std::uint64_t>();
  call("max_id", [result](Database& database, const Deadline& deadline) { *result = database.max_id(deadline); });
  return *result;
}

std::optional<std::uint64_t> DatabaseSession::next_id(std::uint64_t from) {
  const auto result = std::make_shared<std::optional<std::uint64_t>>();
  call("next_id", [result, from](Database& database, const Deadline& deadline) {
    *result = database.next_id(from, deadline);
  });
  return *result;
}

std::vector<Row> DatabaseSession::load_rows(std::uint64_t min_id, std::uint64_t max_id) {
  const auto rows = std::make_shared<std::vector<Row>>();
  call("load_rows", [rows, min_id, max_id](Database& database, const Deadline& deadline) {
    *rows = database.load_rows(min_id, max_id, deadline);
  });
  return std::move(*rows);
}

void DatabaseSession::save_rows(std::shared_ptr<const std::vector<Row>> rows, std::size_t first, std::size_t count) {
  call("save_rows", [rows = std::move(rows), first, count](Database& database, const Deadline& deadline) {
    database.save_rows(std::span(*rows).subspan(first, count), deadline);
  });
}

void DatabaseSession::clear() {
  call("clear", [](Database& database, const Deadline& deadline) { database.clear(deadline); });
}

}  // namespace pghaul
