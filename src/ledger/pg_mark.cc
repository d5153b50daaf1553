#include "ledger/pg_mark.h"

#include <fmt/format.h>

#include "pg/transaction.h"

namespace pghaul {
namespace {

using pg::Params;

Params chunk_params(const Mark& mark) {
  return {std::to_string(mark.table_copy), std::to_string(mark.generation), std::to_string(mark.chunk),
          std::to_string(mark.epoch)};
}

void append_summary(Params& params, const BatchSummary* summary) {
  if (summary == nullptr) {
    params.insert(params.end(), 6, std::nullopt);
    return;
  }
  params.emplace_back(std::to_string(summary->rows));
  params.emplace_back(std::to_string(summary->bytes));
  params.emplace_back(summary->checksum.hex());
  params.emplace_back(summary->record_format);
  params.emplace_back(summary->snapshot);
  params.emplace_back(fmt::format("{:.3f}", static_cast<double>(summary->read_time.count()) / 1000));
}

constexpr std::string_view summary_columns =
    "rows = $5::bigint, bytes = $6::bigint, checksum = $7, record_format = $8, snapshot = $9, "
    "read_seconds = $10::double precision";

// No row was marked: the state and the epoch tell which of the reasons it is.
MarkOutcome why_not_marked(pg::Connection& connection, const LedgerNames& names, const Mark& mark, Deadline deadline) {
  auto params = chunk_params(mark);
  append_range(params, mark.range);
  const auto row = connection.query(
      fmt::format("SELECT t.epoch = $4::bigint, c.state FROM {} t LEFT JOIN {} c ON c.table_copy = t.id "
                  "AND c.generation = $2::integer AND c.no = $3::bigint AND {} WHERE t.id = $1::integer",
                  names("table_copy"), names("chunk"), same_range_sql(5)),
      params, deadline);
  if (row.rows() == 0 || !row.boolean(0, 0)) return MarkOutcome::fenced;
  const auto state = row.text(0, 1);
  if (state == "done") return MarkOutcome::already_done;
  return state == "split" ? MarkOutcome::split : MarkOutcome::forgotten;
}

}  // namespace

std::string same_range_sql(int first) {
  return fmt::format("c.kind = ${} AND c.lower_bound IS NOT DISTINCT FROM ${} AND c.upper_bound IS NOT DISTINCT FROM ${} "
                     "AND c.since IS NOT DISTINCT FROM ${} AND c.member IS NOT DISTINCT FROM ${}::oid",
                     first, first + 1, first + 2, first + 3, first + 4);
}

void append_range(Params& params, const ChunkRange& range) {
  params.emplace_back(std::string(to_string(range.kind)));
  params.insert(params.end(), {range.lower, range.upper, range.since});
  params.push_back(range.member ? pg::Param(std::to_string(range.member->oid)) : std::nullopt);
}

std::string begin_fenced_sql(const LedgerNames& names, int table_copy) {
  return fmt::format("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_catalog.pg_advisory_xact_lock_shared({}, {})",
                     names.fence_lock_class(), table_copy);
}

MarkOutcome mark_done(pg::Connection& connection, const LedgerNames& names, const Mark& mark,
                      const BatchSummary* summary, Deadline deadline) {
  auto params = chunk_params(mark);
  append_summary(params, summary);
  params.emplace_back(std::to_string(mark.attempts));
  append_range(params, mark.range);
  const auto marked = connection.query(
      fmt::format("UPDATE {} c SET state = 'done', {}, attempts = $11::integer, "
                  "done_at = pg_catalog.clock_timestamp() FROM {} t "
                  "WHERE c.table_copy = $1::integer AND c.generation = $2::integer AND c.no = $3::bigint "
                  "AND c.state = 'pending' AND {} AND t.id = c.table_copy AND t.epoch = $4::bigint",
                  names("chunk"), summary_columns, names("table_copy"), same_range_sql(12)),
      params, deadline);
  if (marked.affected_rows() == 1) return MarkOutcome::written;
  return why_not_marked(connection, names, mark, deadline);
}

void complete_mark(pg::Connection& connection, const LedgerNames& names, const Mark& mark, const BatchSummary& summary,
                   Deadline deadline) {
  auto params = chunk_params(mark);
  append_summary(params, &summary);
  const auto completed = connection.query(
      fmt::format("UPDATE {} c SET {} WHERE c.table_copy = $1::integer AND c.generation = $2::integer "
                  "AND c.no = $3::bigint AND $4::bigint IS NOT NULL",
                  names("chunk"), summary_columns),
      params, deadline);
  if (completed.affected_rows() != 1) throw fenced_error();
}

void note_late_rows(pg::Connection& connection, const LedgerNames& names, const Mark& mark, std::int64_t rows,
                    Deadline deadline) {
  connection.query(fmt::format("UPDATE {} SET late_rows = $4::bigint WHERE table_copy = $1::integer "
                               "AND generation = $2::integer AND no = $3::bigint",
                               names("chunk")),
                   {std::to_string(mark.table_copy), std::to_string(mark.generation), std::to_string(mark.chunk),
                    std::to_string(rows)},
                   deadline);
}

int terminate_ghosts(pg::Connection& connection, const LedgerNames& names, const Mark& mark, Deadline deadline) {
  // The locked row itself names its holder: xmax is the transaction, and pg_locks knows whose it is. Only sessions of
  // our own role can be ended, and only they could hold the row.
  auto params = chunk_params(mark);
  params.pop_back();
  return connection
      .query(fmt::format("SELECT pg_catalog.pg_terminate_backend(l.pid, 2000) FROM {} c "
                         "JOIN pg_catalog.pg_locks l ON l.locktype = 'transactionid' AND l.transactionid = c.xmax "
                         "AND l.mode = 'ExclusiveLock' AND l.granted "
                         "WHERE c.table_copy = $1::integer AND c.generation = $2::integer AND c.no = $3::bigint "
                         "AND l.pid <> pg_catalog.pg_backend_pid()",
                         names("chunk")),
             params, deadline)
      .rows();
}

void end_fence_holders(pg::Connection& connection, const LedgerNames& names, int id, Deadline deadline) {
  connection.query(
      fmt::format("SELECT pg_catalog.pg_terminate_backend(l.pid, 2000) {} AND l.pid <> pg_catalog.pg_backend_pid()",
                  advisory_holders_sql),
      {std::to_string(static_cast<std::uint32_t>(names.fence_lock_class())), std::to_string(id)}, deadline);
}

bool run_step_once(pg::Connection& connection, const LedgerNames& names, const Mark& owner, const std::string& step,
                   const std::vector<std::string>& statements, Deadline deadline) {
  pg::Transaction transaction(connection, deadline, begin_fenced_sql(names, owner.table_copy));
  const auto recorded = connection.query(
      fmt::format("INSERT INTO {} (table_copy, generation, step) SELECT t.id, t.generation, $1 FROM {} t "
                  "WHERE t.id = $2::integer AND t.epoch = $3::bigint ON CONFLICT DO NOTHING",
                  names("step"), names("table_copy")),
      {step, std::to_string(owner.table_copy), std::to_string(owner.epoch)}, deadline);
  if (recorded.affected_rows() == 0) {
    const auto owned = connection.query(
        fmt::format("SELECT FROM {} WHERE id = $1::integer AND epoch = $2::bigint", names("table_copy")),
        {std::to_string(owner.table_copy), std::to_string(owner.epoch)}, deadline);
    if (owned.rows() == 0) throw fenced_error();
    return false;
  }
  for (const auto& statement : statements) connection.run(statement, deadline);
  transaction.commit(deadline);
  return true;
}

Error fenced_error() {
  return Error(ErrorKind::failed, "another process has taken this table copy over, or started a new generation of it")
      .on(Side::target)
      .safe("nothing was written by this process since then; what it had finished before is kept")
      .advise("leave it to the new owner; pghaul status names it");
}

}  // namespace pghaul
