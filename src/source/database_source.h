// Reading from a user's Database.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "database/database_session.h"
#include "database/row_checks.h"
#include "source/range_width.h"
#include "source/source.h"

namespace pghaul {

// What the readers of a table share. Threads: safe.
struct DatabaseTable {
  DatabaseTable(std::size_t batch_size, std::uint64_t widest_range, std::size_t id_column)
      : width(batch_size, widest_range), checks(id_column), widest(widest_range), id_in(id_column) {}

  RangeWidth width;
  RowChecks checks;
  const std::uint64_t widest;
  const std::size_t id_in;

  // Where next_id() has said that the rows of a range begin, by the range's upper bound. Lost with the process: the
  // range is loaded from its lower bound then.
  void note_start(std::uint64_t upper, std::uint64_t start);
  std::optional<std::uint64_t> take_start(std::uint64_t upper);

 private:
  std::mutex mutex_;
  std::map<std::uint64_t, std::uint64_t> starts_;  // guarded by mutex_
};

// Chunks are ranges of ids. There is no probe but next_id(), so a coarse range is cut a few pieces at a time, as wide as
// the last ones let expect. Threads: one.
class DatabaseSource : public Source {
 public:
  DatabaseSource(std::shared_ptr<DatabaseCalls> calls, std::string dbname, std::shared_ptr<DatabaseTable> table);

  void connect() override { session_.connect(); }
  std::optional<RangeCut> cut_range(std::size_t table, const Chunk& chunk) override;
  // The middle, for chunks that took too long.
  std::vector<std::string> probe_cuts(std::size_t table, const Chunk& chunk, std::int64_t rows, int most) override;
  BatchSummary read(std::size_t table, const Chunk& chunk, BatchReceiver& receiver) override;

 private:
  std::uint64_t start_of_rows(std::uint64_t from, std::uint64_t upper);
  std::vector<Row> load(std::uint64_t lower, std::uint64_t upper);

  DatabaseSession session_;
  const std::shared_ptr<DatabaseTable> table_;
};

}  // namespace pghaul
