#include "ledger/ledger_session.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "ledger/pg_mark.h"
#include "pg/statement_deadline.h"

namespace pghaul {

LedgerSession::LedgerSession(pg::Endpoint endpoint, pg::SessionOptions options, LedgerNames names, RetryPolicy policy,
                             Duration statement_timeout)
    : endpoint_(std::move(endpoint)),
      options_(std::move(options)),
      names_(std::move(names)),
      policy_(policy),
      statement_timeout_(statement_timeout),
      connection_(endpoint_, options_),
      own_backends_{connection_.backend_pid()} {}

Deadline LedgerSession::statement_deadline() const { return pg::statement_deadline(statement_timeout_); }

void LedgerSession::use(const std::function<void(pg::Connection&)>& work) {
  const std::lock_guard lock(mutex_);
  if (given_up_ && !connection_.usable()) throw *given_up_;
  try {
    try_until_done(policy_, options_.stop, [&](RetryState& retry) { work_on_session(retry, work); });
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::failed && !connection_.usable()) given_up_ = error;
    throw;
  }
}

void LedgerSession::work_on_session(RetryState& retry, const std::function<void(pg::Connection&)>& work) {
  if (!connection_.usable()) {
    reconnect();
    retry.connected();
  }
  work(connection_);
}

void LedgerSession::use_after_stop(const std::function<void(pg::Connection&)>& work) {
  const std::lock_guard lock(mutex_);
  if (!connection_.usable()) return;
  connection_.ignore_stop();
  work(connection_);
}

// The new session counts only once it has every lock of the old one: without them we are no owner.
void LedgerSession::reconnect() {
  pg::Connection fresh(endpoint_, options_);
  own_backends_.push_back(fresh.backend_pid());
  for (const auto& [lock_class, id] : locks_) retake_lock(fresh, lock_class, id);
  own_backends_ = {fresh.backend_pid()};
  connection_ = std::move(fresh);
}

// A session that was lost on the way may live on at the server for long, with its locks; it is ended. Whoever else holds
// one has taken over.
void LedgerSession::retake_lock(pg::Connection& connection, std::int32_t lock_class, std::int32_t id) {
  const auto deadline = Deadline::after(std::chrono::seconds(15));
  while (!try_lock(connection, lock_class, id)) {
    const auto holder = holder_of(connection, lock_class, id);
    if (!holder) continue;
    const bool ours = std::find(own_backends_.begin(), own_backends_.end(), *holder) != own_backends_.end();
    if (!ours || deadline.expired()) throw fenced_error();
    end_backend(connection, *holder);
  }
}

bool LedgerSession::try_lock(pg::Connection& connection, std::int32_t lock_class, std::int32_t id) {
  return connection
      .query("SELECT pg_catalog.pg_try_advisory_lock($1::integer, $2::integer)",
             {std::to_string(lock_class), std::to_string(id)}, statement_deadline())
      .boolean(0, 0);
}

std::optional<int> LedgerSession::holder_of(pg::Connection& connection, std::int32_t lock_class, std::int32_t id) {
  const auto row = connection.query(
      fmt::format("SELECT l.pid {}", advisory_holders_sql),
      {std::to_string(static_cast<std::uint32_t>(lock_class)), std::to_string(static_cast<std::uint32_t>(id))},
      statement_deadline());
  return row.rows() == 0 ? std::nullopt : std::optional(static_cast<int>(row.int64(0, 0)));
}

void LedgerSession::end_backend(pg::Connection& connection, int backend_pid) {
  connection.query("SELECT pg_catalog.pg_terminate_backend($1::integer, 5000)", {std::to_string(backend_pid)},
                   statement_deadline());
}

bool LedgerSession::hold_lock(std::int32_t lock_class, std::int32_t id, Duration patience) {
  const std::lock_guard lock(mutex_);  // no reconnect may come between the lock and its being remembered
  const auto deadline = Deadline::after(patience);
  bool held = false;
  const auto try_once = [&] {
    use([&](pg::Connection& connection) { held = try_lock(connection, lock_class, id); });
  };
  for (try_once(); !held && !deadline.expired(); try_once()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  if (held) locks_.emplace_back(lock_class, id);
  return held;
}

std::optional<int> LedgerSession::lock_holder(std::int32_t lock_class, std::int32_t id) {
  std::optional<int> holder;
  use([&](pg::Connection& connection) { holder = holder_of(connection, lock_class, id); });
  return holder;
}

void LedgerSession::terminate(int backend_pid) {
  use([&](pg::Connection& connection) { end_backend(connection, backend_pid); });
}

void LedgerSession::release_locks() {
  const std::lock_guard lock(mutex_);
  locks_.clear();
  if (!connection_.usable()) return;
  connection_.ignore_stop();
  try {
    failpoint(fp::owner_before_release);
    connection_.run("SELECT pg_catalog.pg_advisory_unlock_all()", Deadline::after(std::chrono::seconds(2)));
    failpoint(fp::owner_released);
  } catch (const Error&) {
    connection_.abandon();  // closing the session releases them as well
  }
}

}  // namespace pghaul
