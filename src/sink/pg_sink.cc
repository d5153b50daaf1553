#include "sink/pg_sink.h"

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/sqlstate.h"
#include "ledger/pg_mark.h"
#include "pg/copy.h"
#include "pg/statement_deadline.h"
#include "pg/transaction.h"

namespace pghaul {

PgSink::PgSink(pg::Endpoint endpoint, pg::SessionOptions session, const std::vector<TargetTable>& tables,
               const LedgerNames& names, Duration statement_timeout)
    : endpoint_(std::move(endpoint)),
      session_(std::move(session)),
      tables_(tables),
      names_(names),
      statement_timeout_(statement_timeout) {}

void PgSink::connect() {
  if (connection_ && connection_->usable()) return;
  connection_.reset();
  connection_.emplace(endpoint_, session_);
}

MarkOutcome PgSink::mark_chunk(const Mark& mark, const BatchSummary* summary, Deadline deadline) {
  failpoint(fp::chunk_before_mark);
  const auto outcome = mark_done(*connection_, names_, mark, summary, deadline);
  if (outcome == MarkOutcome::written) failpoint(fp::chunk_marked);
  return outcome;
}

WriteResult PgSink::write(std::size_t table_index, const Chunk& chunk, const Mark& mark, Batch& batch) {
  connect();
  const auto& table = tables_[table_index];
  const bool bounded = can_be_cut(chunk.range);
  const auto deadline = bounded ? pg::statement_deadline(statement_timeout_) : Deadline::never();
  WriteResult result;
  bool at_mark = true;
  try {
    pg::Transaction transaction(*connection_, deadline, begin_fenced_sql(names_, mark.table_copy));
    const auto* summary = batch.summary();
    result.outcome = mark_chunk(mark, summary, deadline);
    at_mark = false;
    if (result.outcome != MarkOutcome::written) return result;

    if (!bounded) connection_->run("SET LOCAL statement_timeout = 0", deadline);
    const auto rows = write_rows(table, chunk, batch, result, deadline);
    failpoint(fp::rows_sent);
    if (rows != batch.summary()->rows) {
      throw Error(ErrorKind::failed,
                  fmt::format("the target took {} rows of {}", rows, batch.summary()->rows))
          .on(Side::target);
    }
    if (summary == nullptr) complete_mark(*connection_, names_, mark, *batch.summary(), deadline);
    if (chunk.range.kind == ChunkKind::late) {
      note_late_rows(*connection_, names_, mark, result.late_rows, deadline);
    }
    failpoint(fp::chunk_before_commit);
    transaction.commit(deadline);
    failpoint(fp::chunk_after_commit);
  } catch (const Error& error) {
    // Somebody holds the chunk's row: a try of ours whose client is gone. Its session is ended; the next try decides.
    if (at_mark && error.sqlstate() == sqlstate::lock_not_available && connection_->usable()) {
      const int ended = terminate_ghosts(*connection_, names_, mark, Deadline::after(std::chrono::seconds(10)));
      if (ended > 0) log_warning("ended {} session(s) that held a chunk's row in the ledger", ended);
    }
    throw;
  }
  return result;
}

std::int64_t PgSink::copy_rows(const std::string& copy_sql, Batch& batch, Deadline deadline) {
  pg::CopyIn copy(*connection_, copy_sql, deadline);
  std::string_view bytes;
  while (batch.next(bytes)) copy.write(bytes);
  return copy.finish();
}

std::int64_t PgSink::write_rows(const TargetTable& table, const Chunk& chunk, Batch& batch, WriteResult& result,
                                Deadline deadline) {
  const bool merges = table.on_conflict != OnConflict::error;
  if (merges || chunk.range.kind == ChunkKind::late) return write_staged(table, chunk, batch, result, deadline);
  if (chunk.replace) {
    failpoint(fp::range_before_empty);
    connection_->run(delete_range_sql(table, chunk.range), deadline);
    failpoint(fp::range_emptied);
  }
  return copy_rows(copy_in_sql(table), batch, deadline);
}

std::int64_t PgSink::write_staged(const TargetTable& table, const Chunk& chunk, Batch& batch, WriteResult& result,
                                  Deadline deadline) {
  connection_->run(create_staging_sql(table), deadline);
  const auto rows = copy_rows(copy_into_staging_sql(table), batch, deadline);
  const bool late = chunk.range.kind == ChunkKind::late && table.on_conflict == OnConflict::error;
  std::int64_t known = 0;
  failpoint(fp::rows_before_merge);
  if (late) known = connection_->run(delete_staged_keys_sql(table), deadline).affected_rows();
  connection_->run(insert_staged_sql(table, !late), deadline);
  failpoint(fp::rows_merged);
  if (late) result.late_rows = rows - known;
  return rows;
}

}  // namespace pghaul
