// Reads rows' hashes and columns of one side, to find out which rows differ.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/retry.h"
#include "diff/digest.h"
#include "diff/digest_query.h"
#include "diff/row_state.h"
#include "pg/connection.h"

namespace pghaul {

// Each question is one statement, so each sees a snapshot of its own. Connects when it is first asked, and
// again after a loss. Threads: one. Errors: as of a lost server that stays away; those of the statement.
class RowReader {
 public:
  RowReader(pg::Endpoint endpoint, pg::SessionOptions session, const RetryPolicy& retry,
            const StopSource& stop, Duration statement_timeout);

  Digest digest(const ComparedTable& table, const ChunkRange& range);
  std::int64_t count(const ComparedTable& table, const ChunkRange& range);
  std::vector<RowPrint> rows(const ComparedTable& table, const ChunkRange& range,
                             const std::vector<int>& buckets);
  std::vector<RowPrint> rows(const ComparedTable& table, const std::vector<RowKey>& keys);

  struct ColumnPrint {
    std::string md5;
    std::optional<std::string> value;
  };
  struct RowColumns {
    RowKey key;
    std::vector<ColumnPrint> columns;
  };
  std::vector<RowColumns> columns(const ComparedTable& table, const std::vector<RowKey>& keys,
                                  const std::vector<std::string>& names, bool values);

 private:
  pg::Result ask(const std::string& sql, bool bounded);

  const pg::Endpoint endpoint_;
  const pg::SessionOptions session_;
  const RetryPolicy& retry_;
  const StopSource& stop_;
  const Duration statement_timeout_;
  std::optional<pg::Connection> connection_;
};

}  // namespace pghaul
