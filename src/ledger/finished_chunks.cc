#include "ledger/finished_chunks.h"

#include <fmt/format.h>

namespace pghaul {

std::vector<RecordedCopy> read_copies_into(pg::Connection& connection, const LedgerNames& names,
                                           const std::string& target_table, const std::string& where_sql,
                                           const std::string& columns, Deadline deadline) {
  const auto rows = connection.query(
      fmt::format(
          "SELECT t.id, t.generation, t.source_database, t.source_system, t.state = 'complete', g.merged, "
          "coalesce(g.key_column, '') FROM {} t JOIN {} g ON g.table_copy = t.id AND g.generation = "
          "t.generation "
          "WHERE t.target_table = $1 AND t.where_sql = $2 AND t.columns = $3 ORDER BY t.id",
          names("table_copy"), names("generation")),
      {target_table, where_sql, columns}, deadline);
  std::vector<RecordedCopy> copies;
  for (int row = 0; row < rows.rows(); ++row) {
    copies.push_back({static_cast<int>(rows.int64(row, 0)), static_cast<int>(rows.int64(row, 1)),
                      std::string(rows.text(row, 2)), std::string(rows.text(row, 3)), rows.boolean(row, 4),
                      rows.boolean(row, 5), std::string(rows.text(row, 6))});
  }
  return copies;
}

std::vector<FinishedChunk> read_finished_chunks(pg::Connection& connection, const LedgerNames& names,
                                                const RecordedCopy& copy, Deadline deadline) {
  const auto rows = connection.query(
      fmt::format(
          "SELECT no, kind, lower_bound, upper_bound, member, rows, bytes, checksum, record_format FROM {} "
          "WHERE table_copy = $1::integer AND generation = $2::integer AND state = 'done' AND NOT superseded "
          "ORDER BY no",
          names("chunk")),
      {std::to_string(copy.table_copy), std::to_string(copy.generation)}, deadline);
  std::vector<FinishedChunk> chunks;
  for (int row = 0; row < rows.rows(); ++row) {
    auto& each = chunks.emplace_back();
    each.chunk.no = rows.int64(row, 0);
    each.chunk.range = {
        parse_chunk_kind(rows.text(row, 1)), rows.optional_text(row, 2), rows.optional_text(row, 3), {}};
    if (!rows.is_null(row, 4)) each.chunk.range.member = {static_cast<std::uint32_t>(rows.int64(row, 4)), ""};
    each.chunk.refined = true;
    each.summary.rows = rows.int64(row, 5);
    each.summary.bytes = rows.int64(row, 6);
    each.summary.checksum = RowChecksum::from_hex(std::string(rows.text(row, 7)));
    each.summary.record_format = rows.text(row, 8);
    each.chunk.estimated_bytes = each.summary.bytes;
    each.chunk.estimated_rows = each.summary.rows;
  }
  return chunks;
}

}  // namespace pghaul
