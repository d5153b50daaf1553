// Writes chunks into PostgreSQL tables by COPY.
#pragma once

#include <optional>
#include <vector>

#include "base/duration.h"
#include "ledger/pg_ledger_schema.h"
#include "pg/connection.h"
#include "sink/sink.h"
#include "sink/target_query.h"

namespace pghaul {

// Atomic by the target's own transaction: the mark in the ledger and the rows commit together, and the mark comes first
// because its row lock decides between two tries of the same chunk. Borrows tables and names, which must outlive it.
// Threads: one.
class PgSink : public Sink {
 public:
  PgSink(pg::Endpoint endpoint, pg::SessionOptions session, const std::vector<TargetTable>& tables,
         const LedgerNames& names, Duration statement_timeout);

  void connect() override;
  WriteResult write(std::size_t table, const Chunk& chunk, const Mark& mark, Batch& batch) override;

 private:
  MarkOutcome mark_chunk(const Mark& mark, const BatchSummary* summary, Deadline deadline);
  // These return the number of rows that the server took.
  std::int64_t copy_rows(const std::string& copy_sql, Batch& batch, Deadline deadline);
  std::int64_t write_rows(const TargetTable& table, const Chunk& chunk, Batch& batch, WriteResult& result,
                          Deadline deadline);
  std::int64_t write_staged(const TargetTable& table, const Chunk& chunk, Batch& batch, WriteResult& result,
                            Deadline deadline);

  const pg::Endpoint endpoint_;
  const pg::SessionOptions session_;
  const std::vector<TargetTable>& tables_;
  const LedgerNames& names_;
  const Duration statement_timeout_;
  std::optional<pg::Connection> connection_;
};

}  // namespace pghaul
