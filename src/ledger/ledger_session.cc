#include "ledger/ledger_session.h"

#include <thread>

#include <fmt/format.h>

#include "base/log.h"
#include "ledger/pg_mark.h"

namespace pghaul {

LedgerSession::LedgerSession(pg::Endpoint endpoint, pg::SessionOptions options, LedgerNames names, RetryPolicy policy,
                             Duration statement_timeout)
    : endpoint_(std::move(endpoint)),
      options_(std::move(options)),
      names_(std::move(names)),
      policy_(policy),
      statement_timeout_(statement_timeout),
      connection_(endpoint_, options_) {}

Deadline LedgerSession::statement_deadline() const { return Deadline::after(statement_timeout_); }

void LedgerSession::use(const std::function<void(pg::Connection&)>& work) {
  const std::lock_guard lock(mutex_);
  RetryState retry(policy_);
  for (;;) {
    try {
      if (!connection_.usable()) reconnect();
      work(connection_);
      return;
    } catch (const Error& error) {
      if (!error.retryable()) throw;
      const auto pause = retry.after(error, Deadline::Clock::now());
      if (!pause) throw retry.final_error();
      log_warning("{}; the ledger's session tries again", error.headline());
      if (options_.stop != nullptr && !options_.stop->sleep_for(*pause)) options_.stop->throw_if_requested();
      if (options_.stop == nullptr) std::this_thread::sleep_for(*pause);
    }
  }
}

void LedgerSession::use_after_stop(const std::function<void(pg::Connection&)>& work) {
  const std::lock_guard lock(mutex_);
  if (!connection_.usable()) return;
  connection_.ignore_stop();
  work(connection_);
}

void LedgerSession::reconnect() {
  connection_ = pg::Connection(endpoint_, options_);
  for (const auto& [lock_class, id] : locks_) {
    // The old session may not be gone yet on the server; whoever else holds the lock has taken over.
    const auto deadline = Deadline::after(std::chrono::seconds(15));
    while (!try_lock(lock_class, id)) {
      if (deadline.expired()) throw fenced_error();
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
  }
}

bool LedgerSession::try_lock(std::int32_t lock_class, std::int32_t id) {
  return connection_
      .query("SELECT pg_catalog.pg_try_advisory_lock($1::integer, $2::integer)",
             {std::to_string(lock_class), std::to_string(id)}, statement_deadline())
      .boolean(0, 0);
}

bool LedgerSession::hold_lock(std::int32_t lock_class, std::int32_t id) {
  bool held = false;
  use([&](pg::Connection&) { held = try_lock(lock_class, id); });
  const std::lock_guard lock(mutex_);
  if (held) locks_.emplace_back(lock_class, id);
  return held;
}

std::optional<int> LedgerSession::lock_holder(std::int32_t lock_class, std::int32_t id) {
  std::optional<int> holder;
  use([&](pg::Connection& connection) {
    const auto row = connection.query(
        "SELECT l.pid FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 "
        "AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) "
        "AND l.classid::bigint = $1::bigint AND l.objid::bigint = $2::bigint",
        {std::to_string(static_cast<std::uint32_t>(lock_class)), std::to_string(static_cast<std::uint32_t>(id))},
        statement_deadline());
    holder = row.rows() == 0 ? std::nullopt : std::optional(static_cast<int>(row.int64(0, 0)));
  });
  return holder;
}

void LedgerSession::terminate(int backend_pid) {
  use([&](pg::Connection& connection) {
    connection.query("SELECT pg_catalog.pg_terminate_backend($1::integer, 5000)", {std::to_string(backend_pid)},
                     statement_deadline());
  });
}

void LedgerSession::release_locks() {
  const std::lock_guard lock(mutex_);
  locks_.clear();
  if (!connection_.usable()) return;
  connection_.ignore_stop();
  try {
    connection_.run("SELECT pg_catalog.pg_advisory_unlock_all()", Deadline::after(std::chrono::seconds(2)));
  } catch (const Error&) {
    connection_.abandon();  // closing the session releases them as well
  }
}

}  // namespace pghaul
