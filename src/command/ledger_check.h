// Whether a target still has what was written into it.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "command/commands.h"
#include "command/preflight.h"
#include "diff/recorded_chunks.h"
#include "ledger/finished_chunks.h"
#include "pg/statement_deadline.h"

namespace pghaul {

// `pghaul verify --from-ledger`: reads the target's rows and compares them with the checksums that the copy
// recorded. The source is not asked. Threads: used by one; starts those of the pipeline. A value that lives
// as long as the run.
class LedgerCheck {
 public:
  LedgerCheck(const VerifyOptions& options, StopSource& stop, CopyObserver& observer);

  // Errors: see verify().
  void run();
  // Everything known so far; also after an error.
  VerifyReport report() const;
  const Sessions& sessions() const { return sessions_; }

 private:
  struct Table {
    catalog::TableName name;
    catalog::TableShape shape;
    SourceTable rows;  // how the target is read
    std::vector<Chunk> chunks;
    VerifiedTable report;
  };

  void inspect();
  void inspect_table(Table& table);
  RecordedCopy find_copy(const Table& table);
  void choose_chunks(Table& table, const RecordedCopy& copy, std::vector<FinishedChunk> recorded);
  pg::SessionOptions session(int writer) const;
  void compare();
  Deadline deadline() const { return pg::statement_deadline(options_.copy.statement_timeout); }

  const VerifyOptions options_;
  StopSource& stop_;
  CopyObserver& observer_;
  const Deadline::Clock::time_point started_;
  Sessions sessions_;
  RetryPolicy retry_;

  const LedgerNames names_;
  std::optional<pg::Connection> target_;
  std::deque<Table> tables_;
  std::vector<Finding> findings_;
  RecordedChunks recorded_;
  ChecksumSink::Changed changed_;
  Progress progress_;
};

}  // namespace pghaul
