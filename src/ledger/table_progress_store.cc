// Records of progress in a table of a PostgreSQL server.
#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/retry.h"
#include "pg/connection.h"
#include "pg/quote.h"
#include "pg/transaction.h"
#include "pghaul/progress_store.h"

namespace pghaul {
namespace {

std::pair<std::string, std::string> split_name(const std::string& name) {
  const auto dot = name.find('.');
  if (dot == std::string::npos) return {"public", name};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

// A process that was killed may have left its session, which the server has not noticed yet.
constexpr auto longest_wait_for_lock = std::chrono::seconds(2);

RetryPolicy policy_until(const Deadline& deadline) {
  RetryPolicy policy;
  policy.reconnect_timeout =
      std::min(policy.reconnect_timeout, std::chrono::duration_cast<Duration>(deadline.remaining()));
  return policy;
}

pg::SessionOptions session_options() {
  pg::SessionOptions options;
  options.application_name = "pghaul progress";
  options.settings = {{"search_path", ""}, {"client_encoding", "UTF8"}, {"synchronous_commit", "on"}};
  return options;
}

// Records are numbered, and numbers are never given twice: whoever finds another number at the end than it left there
// is not alone.
class TableProgressStore : public ProgressStore {
 public:
  TableProgressStore(pg::Endpoint endpoint, const std::string& table)
      : endpoint_(std::move(endpoint)),
        schema_(split_name(table).first),
        table_(split_name(table).second),
        sql_name_(pg::quote_qualified(schema_, table_)) {}

  std::string name() const override { return fmt::format("{}.{} on {}", schema_, table_, endpoint_.label); }
  std::vector<std::string> open(const std::string& copy, const Deadline& deadline) override;
  void append(const std::string& record, const Deadline& deadline) override;
  void replace(std::span<const std::string> records, const Deadline& deadline) override;
  void close() noexcept override;

 private:
  void connect(const Deadline& deadline);
  bool try_lock(const Deadline& deadline);
  void make_table(const Deadline& deadline);
  std::int64_t last_number(const Deadline& deadline);
  void insert(std::int64_t number, const std::string& record, const Deadline& deadline);
  void change(const std::function<bool()>& is_done, const std::function<void()>& work, const Deadline& deadline);
  Error error(ErrorKind kind, const std::string& what) const { return Error(kind, what).on(Side::local).about(name()); }

  const pg::Endpoint endpoint_;
  const std::string schema_, table_, sql_name_;
  std::optional<pg::Connection> connection_;
  std::string copy_;
  std::int64_t last_ = 0;  // number of the last record
};

// The lock is the session's: it goes with it.
bool TableProgressStore::try_lock(const Deadline& deadline) {
  const auto until = Deadline::after(longest_wait_for_lock).sooner(deadline);
  for (;;) {
    const auto locked = connection_->query(
        "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 0))", {sql_name_ + " " + copy_}, deadline);
    if (locked.boolean(0, 0)) return true;
    if (until.expired()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void TableProgressStore::connect(const Deadline& deadline) {
  if (connection_ && connection_->usable()) return;
  connection_.emplace(endpoint_, session_options());
  if (try_lock(deadline)) return;
  connection_.reset();
  throw error(ErrorKind::refused, "another copy is using these records of progress right now")
      .safe("nothing was written")
      .advise("wait for it");
}

// The server would notice the end of the session a moment later.
void TableProgressStore::close() noexcept {
  try {
    if (connection_ && connection_->usable()) {
      connection_->run("SELECT pg_catalog.pg_advisory_unlock_all()", Deadline::after(std::chrono::milliseconds(500)));
    }
  } catch (const std::exception&) {
    // The lock goes with the session.
  }
  connection_.reset();
}

void TableProgressStore::make_table(const Deadline& deadline) {
  const auto there = connection_->query(
      "SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace "
      "WHERE n.nspname OPERATOR(pg_catalog.=) $1::pg_catalog.text AND c.relname OPERATOR(pg_catalog.=) $2::pg_catalog.text",
      {schema_, table_}, deadline);
  if (there.rows() > 0) return;
  connection_->run("CREATE TABLE IF NOT EXISTS " + sql_name_ +
                       " (copy pg_catalog.text, number pg_catalog.int8, record pg_catalog.text NOT NULL,"
                       " PRIMARY KEY (copy, number))",
                   deadline);
}

std::int64_t TableProgressStore::last_number(const Deadline& deadline) {
  return connection_
      ->query("SELECT pg_catalog.max(number) FROM " + sql_name_ + " WHERE copy OPERATOR(pg_catalog.=) $1", {copy_}, deadline)
      .int64(0, 0);
}

void TableProgressStore::insert(std::int64_t number, const std::string& record, const Deadline& deadline) {
  connection_->query("INSERT INTO " + sql_name_ + " VALUES ($1, $2, $3)", {copy_, std::to_string(number), record}, deadline);
}

std::vector<std::string> TableProgressStore::open(const std::string& copy, const Deadline& deadline) {
  copy_ = copy;
  connection_.reset();
  std::vector<std::string> records;
  try_until_done(policy_until(deadline), nullptr, [&](RetryState&) {
    connect(deadline);
    make_table(deadline);
    const auto found = connection_->query(
        "SELECT number, record FROM " + sql_name_ + " WHERE copy OPERATOR(pg_catalog.=) $1 ORDER BY number", {copy_}, deadline);
    records.clear();
    last_ = 0;
    for (int row = 0; row < found.rows(); ++row) {
      last_ = found.int64(row, 0);
      records.emplace_back(found.text(row, 1));
    }
  });
  return records;
}

// Tries until the server has answered; a try whose answer was lost may have succeeded.
void TableProgressStore::change(const std::function<bool()>& is_done, const std::function<void()>& work,
                                const Deadline& deadline) {
  bool first = true;
  try_until_done(policy_until(deadline), nullptr, [&](RetryState&) {
    if (deadline.expired()) throw error(ErrorKind::failed, "the server with the records of progress has not answered in time");
    connect(deadline);
    if (!std::exchange(first, false) && is_done()) return;
    pg::Transaction transaction(*connection_, deadline);
    if (last_number(deadline) != last_) {
      throw error(ErrorKind::failed, "another copy has written into these records of progress")
          .advise("leave it to the other process");
    }
    work();
    transaction.commit(deadline);
  });
}

void TableProgressStore::append(const std::string& record, const Deadline& deadline) {
  const auto number = last_ + 1;
  const auto is_done = [&] {
    const auto found = connection_->query("SELECT record FROM " + sql_name_ + " WHERE copy OPERATOR(pg_catalog.=) $1"
                                          " AND number OPERATOR(pg_catalog.=) $2::pg_catalog.int8",
                                          {copy_, std::to_string(number)}, deadline);
    return found.rows() == 1 && found.text(0, 0) == record;
  };
  change(is_done, [&] { insert(number, record, deadline); }, deadline);
  last_ = number;
}

void TableProgressStore::replace(std::span<const std::string> records, const Deadline& deadline) {
  const auto end = last_ + static_cast<std::int64_t>(records.size());
  const auto work = [&] {
    connection_->query("DELETE FROM " + sql_name_ + " WHERE copy OPERATOR(pg_catalog.=) $1", {copy_}, deadline);
    auto number = last_;
    for (const auto& record : records) insert(++number, record, deadline);
  };
  change([&] { return last_number(deadline) == end; }, work, deadline);
  last_ = end;
}

}  // namespace

std::shared_ptr<ProgressStore> progress_in_table(const std::string& conninfo, const std::string& table) {
  return std::make_shared<TableProgressStore>(pg::parse_endpoint(Side::local, conninfo), table);
}

}  // namespace pghaul
