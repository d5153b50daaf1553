// Writing into a user's Database.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "database/database_session.h"
#include "ledger/range_ledger.h"
#include "sink/sink.h"

namespace pghaul {

// How it is atomic: not by a transaction, as there is none that holds both. All rows of a chunk are here before the first
// is saved; they are saved; then the chunk is marked. What fails before the first save_rows() leaves nothing; what fails
// after it leaves rows without a mark, which the next write of the same chunk replaces by themselves: save_rows() is
// idempotent by contract. Two writes of one chunk at once both save, and one of them marks. Threads: one.
class DatabaseSink : public Sink {
 public:
  // `batch_size`: rows, at most for one save_rows().
  DatabaseSink(std::shared_ptr<DatabaseCalls> calls, std::string dbname, RangeLedger& ledger, std::size_t batch_size);

  void connect() override { session_.connect(); }
  WriteResult write(std::size_t table, const Chunk& chunk, const Mark& mark, Batch& batch) override;

 private:
  void save(std::vector<Row> rows);

  DatabaseSession session_;
  RangeLedger& ledger_;
  const std::size_t batch_size_;
};

}  // namespace pghaul
