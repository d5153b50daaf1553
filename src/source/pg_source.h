// Reads chunks of PostgreSQL tables by COPY.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/duration.h"
#include "pg/connection.h"
#include "source/snapshot_keeper.h"
#include "source/source.h"
#include "source/table_query.h"

namespace pghaul {

// Each chunk is read in a transaction of its own, in the keeper's snapshot or (without a keeper) in a new one. After its
// COPY, while its lock still keeps the table from changing, the table's OID, file and shape are compared with the plan; and
// then, of partitions and children, whether they still are such.
// Borrows keeper and tables, which must outlive it. Threads: one.
class PgSource : public Source {
 public:
  PgSource(pg::Endpoint endpoint, pg::SessionOptions session, const std::vector<SourceTable>& tables,
           SnapshotKeeper* keeper, Duration statement_timeout);

  void connect() override;
  std::vector<std::string> probe_cuts(std::size_t table, const Chunk& chunk, std::int64_t rows, int most) override;
  BatchSummary read(std::size_t table, const Chunk& chunk, BatchReceiver& receiver) override;

 private:
  struct Begun {
    std::string snapshot;
    std::vector<std::uint32_t> filenodes;  // of relations_read()
    Deadline until = Deadline::never();    // the snapshot has to be left
  };
  Begun begin(const SourceTable& table, const ChunkRange& range, Deadline deadline);
  void leave();
  void bound_statements(const ChunkRange& range, Deadline until);
  void copy_rows(const SourceTable& table, const Chunk& chunk, BatchReceiver& receiver, BatchSummary& summary,
                 Deadline deadline, Deadline until);
  void check_order(const SourceTable& table, const ChunkRange& range, const std::vector<std::string>& cuts,
                   Deadline deadline);
  void check_unchanged(const SourceTable& table, const ChunkRange& range, const std::vector<std::uint32_t>& filenodes,
                       Deadline deadline);
  void check_columns(const SourceTable& table, const ChunkRange& range, const pg::Result& now) const;
  void check_members(const SourceTable& table, const ChunkRange& range, Deadline deadline);
  Deadline statement_deadline() const;

  const pg::Endpoint endpoint_;
  const pg::SessionOptions session_;
  const std::vector<SourceTable>& tables_;
  SnapshotKeeper* const keeper_;
  const Duration statement_timeout_;
  std::optional<pg::Connection> connection_;
};

}  // namespace pghaul
