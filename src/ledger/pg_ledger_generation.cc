// Generations of a table copy: how one begins, and what its source is.
#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/sqlstate.h"
#include "ledger/ledger_reader.h"
#include "ledger/pg_ledger.h"
#include "ledger/pg_mark.h"
#include "pg/transaction.h"

namespace pghaul {

std::optional<GenerationFacts> PgLedger::generation_facts() {
  std::optional<GenerationFacts> facts;
  session_.use([&](pg::Connection& connection) {
    facts = read_generation(connection, session_.names(), table_copy_, generation_, session_.statement_deadline());
  });
  return facts;
}

void PgLedger::start_generation(const GenerationFacts& facts, const std::vector<std::string>& statements,
                                Deadline deadline) {
  const int next = generation_ + 1;
  session_.use([&](pg::Connection& connection) {
    pg::Transaction transaction(connection, session_.statement_deadline());
    take_fence(connection, deadline);
    const auto raised = connection.query(
        fmt::format("UPDATE {} SET epoch = epoch + 1, generation = $2::integer, state = 'copying' "
                    "WHERE id = $1::integer AND epoch = $3::bigint AND generation = $2::integer - 1 RETURNING epoch",
                    session_.names()("table_copy")),
        {std::to_string(table_copy_), std::to_string(next), std::to_string(epoch_)}, session_.statement_deadline());
    if (raised.rows() == 0) {
      adopt_generation(connection, next);  // the answer to an earlier COMMIT was lost, or else we are fenced
      return;
    }
    const bool creates = !statements.empty() && statements.front().starts_with("CREATE");
    if (creates) failpoint(fp::target_before_create);
    for (const auto& statement : statements) connection.run(statement, deadline);
    connection.query(
        fmt::format("INSERT INTO {} (table_copy, generation, source_oid, source_filenode, source_shape, key_column, "
                    "strategy, created_target, merged, source_timeline) VALUES ($1::integer, $2::integer, $3::oid, "
                    "$4::oid, $5, $6, $7, $8::boolean, $9::boolean, $10::bigint)",
                    session_.names()("generation")),
        {std::to_string(table_copy_), std::to_string(next), std::to_string(facts.source_oid),
         std::to_string(facts.source_filenode), facts.source_shape,
         facts.key_column.empty() ? std::nullopt : std::optional(facts.key_column), facts.strategy,
         fmt::to_string(facts.created_target), fmt::to_string(facts.merged), std::to_string(facts.source_timeline)},
        session_.statement_deadline());
    failpoint(fp::target_before_empty);
    transaction.commit(deadline);
    // Before this process takes note of it: a second try then finds the generation as after an answer that was lost.
    if (creates) failpoint(fp::target_created);
    failpoint(fp::target_emptied);
    generation_ = next;
    epoch_ = raised.int64(0, 0);
  });
}

// A frozen session of ours, or of the owner before, may hold it; the next try finds it gone.
void PgLedger::take_fence(pg::Connection& connection, Deadline deadline) {
  try {
    connection.query("SELECT pg_catalog.pg_advisory_xact_lock($1::integer, $2::integer)",
                     {std::to_string(session_.names().fence_lock_class()), std::to_string(table_copy_)}, deadline);
  } catch (const Error& error) {
    if (error.sqlstate() != sqlstate::lock_not_available) throw;
    connection.run("ROLLBACK", session_.statement_deadline());
    end_fence_holders(connection, session_.names(), table_copy_, session_.statement_deadline());
    throw;
  }
}

// While the owner lock is ours nobody else raises the epoch: if it is one higher, at the generation that we were about to
// start, then it was us.
void PgLedger::adopt_generation(pg::Connection& connection, int generation) {
  const auto row = connection.query(
      fmt::format("SELECT FROM {} WHERE id = $1::integer AND epoch = $2::bigint AND generation = $3::integer",
                  session_.names()("table_copy")),
      {std::to_string(table_copy_), std::to_string(epoch_ + 1), std::to_string(generation)},
      session_.statement_deadline());
  if (row.rows() == 0) throw fenced_error();
  generation_ = generation;
  ++epoch_;
}

void PgLedger::change_generation(const char* column, const std::string& value) {
  session_.use([&](pg::Connection& connection) {
    pg::Transaction transaction(connection, session_.statement_deadline(),
                                begin_fenced_sql(session_.names(), table_copy_));
    failpoint(fp::source_before_accept);
    const auto accepted = connection.query(
        fmt::format("UPDATE {} g SET {} = $3::bigint FROM {} t WHERE g.table_copy = $1::integer "
                    "AND g.generation = $2::integer AND t.id = g.table_copy AND t.epoch = $4::bigint",
                    session_.names()("generation"), column, session_.names()("table_copy")),
        {std::to_string(table_copy_), std::to_string(generation_), value, std::to_string(epoch_)},
        session_.statement_deadline());
    if (accepted.affected_rows() == 0) throw fenced_error();
    transaction.commit(session_.statement_deadline());
    failpoint(fp::source_accepted);
  });
}

void PgLedger::accept_filenode(std::uint32_t filenode) { change_generation("source_filenode", std::to_string(filenode)); }

void PgLedger::accept_member_filenode(const LedgerMember& member) {
  session_.use([&](pg::Connection& connection) {
    pg::Transaction transaction(connection, session_.statement_deadline(),
                                begin_fenced_sql(session_.names(), table_copy_));
    connection.query(fmt::format("UPDATE {} m SET filenode = $3::oid FROM {} t WHERE m.table_copy = $1::integer "
                                 "AND m.generation = $2::integer AND m.oid = $4::oid AND t.id = m.table_copy "
                                 "AND t.epoch = $5::bigint",
                                 session_.names()("member"), session_.names()("table_copy")),
                     {std::to_string(table_copy_), std::to_string(generation_), std::to_string(member.filenode),
                      std::to_string(member.oid), std::to_string(epoch_)},
                     session_.statement_deadline());
    transaction.commit(session_.statement_deadline());
  });
}

void PgLedger::accept_timeline(std::int64_t timeline) { change_generation("source_timeline", std::to_string(timeline)); }

}  // namespace pghaul
