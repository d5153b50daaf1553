// What chunk transactions and fenced steps say to the ledger on a worker's own session.
#pragma once

#include <string>
#include <vector>

#include "ledger/ledger.h"
#include "ledger/pg_ledger_schema.h"
#include "pg/connection.h"

namespace pghaul {

// Statements that begin a transaction under the shared fence lock, in one round trip.
std::string begin_fenced_sql(const LedgerNames& names, int table_copy);

// Whether row `c` of the ledger's chunks has the range that append_range() puts behind the parameters, as $first to
// $first + 4. A chunk is told by its number and its range: see Mark.
std::string same_range_sql(int first);
void append_range(pg::Params& params, const ChunkRange& range);

// First statement of a chunk transaction; inside begin_fenced_sql(). `summary` may be null for a batch that is still
// being read: complete_mark() then follows in the same transaction. `written` here means: marked, go on with the rows.
// Errors: 55P03 (transient) when another transaction held the row for lock_timeout.
MarkOutcome mark_done(pg::Connection& connection, const LedgerNames& names, const Mark& mark,
                      const BatchSummary* summary, Deadline deadline);
void complete_mark(pg::Connection& connection, const LedgerNames& names, const Mark& mark, const BatchSummary& summary,
                   Deadline deadline);
void note_late_rows(pg::Connection& connection, const LedgerNames& names, const Mark& mark, std::int64_t rows,
                    Deadline deadline);

// Ends sessions of ours that hold the chunk's row in a transaction that nobody drives any more. Outside a transaction.
// How many were ended.
int terminate_ghosts(pg::Connection& connection, const LedgerNames& names, const Mark& mark, Deadline deadline);

// Ends the sessions that hold the fence lock of this table copy: chunk transactions of an owner that is gone.
void end_fence_holders(pg::Connection& connection, const LedgerNames& names, int table_copy, Deadline deadline);

// Runs the statements and records the step, in one transaction, unless the step is recorded already. False: it was.
// Errors: fenced_error().
bool run_step_once(pg::Connection& connection, const LedgerNames& names, const Mark& owner, const std::string& step,
                   const std::vector<std::string>& statements, Deadline deadline);

// The error of a process that finds that it is no longer the owner.
Error fenced_error();

}  // namespace pghaul
