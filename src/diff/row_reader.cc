#include "diff/row_reader.h"

#include <fmt/format.h>

#include "pg/statement_deadline.h"

namespace pghaul {
namespace {

RowKey key_of(const pg::Result& result, int row, std::size_t columns) {
  RowKey key;
  for (std::size_t i = 0; i < columns; ++i) key.emplace_back(result.text(row, static_cast<int>(i)));
  return key;
}

std::vector<RowPrint> prints(const pg::Result& result, std::size_t key_columns) {
  const int hash = static_cast<int>(key_columns);
  std::vector<RowPrint> rows;
  for (int row = 0; row < result.rows(); ++row) {
    rows.push_back(
        {key_of(result, row, key_columns), {result.int64(row, hash), result.int64(row, hash + 1)}});
  }
  return rows;
}

}  // namespace

RowReader::RowReader(pg::Endpoint endpoint, pg::SessionOptions session, const RetryPolicy& retry,
                     const StopSource& stop, Duration statement_timeout)
    : endpoint_(std::move(endpoint)),
      session_(std::move(session)),
      retry_(retry),
      stop_(stop),
      statement_timeout_(statement_timeout) {}

pg::Result RowReader::ask(const std::string& sql, bool bounded) {
  pg::Result result;
  try_until_done(retry_, &stop_, [&](RetryState& retry) {
    if (!connection_ || !connection_->usable()) connection_.emplace(endpoint_, session_);
    retry.connected();
    const auto deadline = bounded ? pg::statement_deadline(statement_timeout_) : Deadline::never();
    connection_->run(fmt::format("SET statement_timeout = {}", bounded ? statement_timeout_.count() : 0),
                     pg::statement_deadline(statement_timeout_));
    result = connection_->query(sql, {}, deadline);
  });
  return result;
}

Digest RowReader::digest(const ComparedTable& table, const ChunkRange& range) {
  const auto result = ask(digest_select(table, range, table.buckets), can_be_cut(range));
  Digest digest;
  for (int row = 0; row < result.rows(); ++row) {
    digest.emplace(static_cast<int>(result.int64(row, 0)),
                   BucketDigest{result.int64(row, 1), result.int64(row, 2),
                                fmt::format("{}\t{}", result.text(row, 3), result.text(row, 4))});
  }
  return digest;
}

std::int64_t RowReader::count(const ComparedTable& table, const ChunkRange& range) {
  return ask(count_sql(table, range), can_be_cut(range)).int64(0, 0);
}

std::vector<RowPrint> RowReader::rows(const ComparedTable& table, const ChunkRange& range,
                                      const std::vector<int>& buckets) {
  auto found = prints(ask(rows_sql(table, range, buckets), can_be_cut(range)), key_columns(table).size());
  if (range.kind == ChunkKind::null) {
    for (auto& row : found) row.key.clear();  // their hashes tell them apart
  }
  return found;
}

std::vector<RowPrint> RowReader::rows(const ComparedTable& table, const std::vector<RowKey>& keys) {
  return prints(ask(keyed_rows_sql(table, keys), true), key_columns(table).size());
}

std::vector<RowReader::RowColumns> RowReader::columns(const ComparedTable& table,
                                                      const std::vector<RowKey>& keys,
                                                      const std::vector<std::string>& names, bool values) {
  const auto result = ask(column_digests_sql(table, keys, names, values), true);
  const auto key_size = key_columns(table).size();
  std::vector<RowColumns> rows;
  for (int row = 0; row < result.rows(); ++row) {
    RowColumns found{key_of(result, row, key_size), {}};
    for (std::size_t i = 0; i < names.size(); ++i) {
      const int column = static_cast<int>(key_size + 2 * i);
      found.columns.push_back({std::string(result.text(row, column)), result.optional_text(row, column + 1)});
    }
    rows.push_back(std::move(found));
  }
  return rows;
}

}  // namespace pghaul
