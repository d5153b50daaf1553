// Becoming the owner of a table copy.
#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/sqlstate.h"
#include "ledger/pg_ledger.h"
#include "ledger/pg_mark.h"
#include "pg/transaction.h"

namespace pghaul {
namespace {

// Length before each part, so that no two identities give the same text.
void append_part(std::string& key, const std::string& part) { key += fmt::format("{}:{};", part.size(), part); }

int find_or_insert(pg::Connection& connection, const LedgerNames& names, const TableCopyIdentity& identity,
                   Deadline deadline) {
  failpoint(fp::job_before_record);
  const auto row = connection.query(
      fmt::format("INSERT INTO {} AS t (identity_key, source_system, source_database, source_table, target_table, "
                  "where_sql, columns) VALUES (pg_catalog.md5($1), $2, $3, $4, $5, $6, $7) "
                  "ON CONFLICT (identity_key) DO UPDATE SET source_table = t.source_table RETURNING id",
                  names("table_copy")),
      {identity.key(), identity.source_system, identity.source_database, identity.source_table, identity.target_table,
       identity.where_sql, identity.columns},
      deadline);
  failpoint(fp::job_recorded);
  return static_cast<int>(row.int64(0, 0));
}

std::string describe_owner(LedgerSession& session, int id) {
  std::string text = "another process";
  session.use([&](pg::Connection& connection) {
    const auto row = connection.query(
        fmt::format("SELECT owner_host, owner_pid, pg_catalog.to_char(owner_since, 'YYYY-MM-DD HH24:MI:SS TZ') FROM {} "
                    "WHERE id = $1::integer AND owner_host IS NOT NULL",
                    session.names()("table_copy")),
        {std::to_string(id)}, session.statement_deadline());
    if (row.rows() > 0) {
      text = fmt::format("process {} on host {}, since {}", row.text(0, 1), row.text(0, 0), row.text(0, 2));
    }
  });
  return text;
}

Error owned_error(LedgerSession& session, const TableCopyIdentity& identity, int id, std::optional<int> backend) {
  return Error(ErrorKind::refused, fmt::format("this table copy is running: {}{}", describe_owner(session, id),
                                               backend ? fmt::format(" (backend {} on the target)", *backend) : ""))
      .on(Side::target)
      .about(identity.target_table)
      .safe("nothing was changed; the running copy goes on")
      .advise("wait for it, or stop it; if it does not answer any more: the same command with --take-over");
}

void take_owner_lock(LedgerSession& session, const TableCopyIdentity& identity, int id, bool take_over) {
  const auto lock_class = session.names().owner_lock_class();
  const auto deadline = Deadline::after(std::chrono::seconds(take_over ? 20 : 0));
  while (!session.hold_lock(lock_class, id, take_over ? Duration::zero() : LedgerSession::moment)) {
    const auto holder = session.lock_holder(lock_class, id);
    if (!take_over || deadline.expired()) {
      if (!holder && session.hold_lock(lock_class, id)) return;  // it ended between the two looks
      throw owned_error(session, identity, id, holder);
    }
    if (!holder) continue;
    log_warning("taking over from {}: ending its session {}", describe_owner(session, id), *holder);
    session.terminate(*holder);
  }
}

// An epoch is never used twice, not even where the target has forgotten the last ones in a failover, and their owner has
// not: so it is the time, in microseconds, unless that goes back.
std::unique_ptr<PgLedger> raise_epoch(LedgerSession& session, pg::Connection& connection, int id,
                                      const OwnerInfo& owner) {
  const auto deadline = session.statement_deadline();
  pg::Transaction transaction(connection, deadline);
  connection.query("SELECT pg_catalog.pg_advisory_xact_lock($1::integer, $2::integer)",
                   {std::to_string(session.names().fence_lock_class()), std::to_string(id)}, deadline);
  const auto row = connection.query(
      fmt::format("UPDATE {} SET epoch = greatest(epoch + 1, (pg_catalog.date_part('epoch', "
                  "pg_catalog.clock_timestamp()) * 1000000)::bigint), owner_host = $2, owner_pid = $3::integer, "
                  "owner_since = pg_catalog.now() WHERE id = $1::integer RETURNING generation, epoch",
                  session.names()("table_copy")),
      {std::to_string(id), owner.host, std::to_string(owner.pid)}, deadline);
  failpoint(fp::owner_before_claim);
  transaction.commit(deadline);
  failpoint(fp::owner_claimed);
  return std::make_unique<PgLedger>(session, id, static_cast<int>(row.int64(0, 0)), row.int64(0, 1));
}

}  // namespace

std::string TableCopyIdentity::key() const {
  std::string key;
  for (const auto* part : {&source_system, &source_database, &source_table, &target_system, &target_database,
                           &target_table, &where_sql, &columns}) {
    append_part(key, *part);
  }
  return key;
}

std::unique_ptr<PgLedger> claim_table_copy(LedgerSession& session, const TableCopyIdentity& identity,
                                           const OwnerInfo& owner, bool take_over) {
  int id = 0;
  session.use([&](pg::Connection& connection) {
    id = find_or_insert(connection, session.names(), identity, session.statement_deadline());
  });
  take_owner_lock(session, identity, id, take_over);
  std::unique_ptr<PgLedger> ledger;
  session.use([&](pg::Connection& connection) {
    try {
      ledger = raise_epoch(session, connection, id, owner);
    } catch (const Error& error) {
      if (error.sqlstate() != sqlstate::lock_not_available) throw;
      end_fence_holders(connection, session.names(), id, session.statement_deadline());
      throw;  // transient: the session tries again
    }
  });
  return ledger;
}

}  // namespace pghaul
