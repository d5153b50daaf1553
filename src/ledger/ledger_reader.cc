#include "ledger/ledger_reader.h"

#include <fmt/format.h>

namespace pghaul {

std::optional<GenerationFacts> read_generation(pg::Connection& connection, const LedgerNames& names, int table_copy,
                                               int generation, Deadline deadline) {
  const auto row = connection.query(
      fmt::format("SELECT source_oid, source_filenode, source_shape, key_column, strategy, created_target, "
                  "merged FROM {} "
                  "WHERE table_copy = $1::integer AND generation = $2::integer",
                  names("generation")),
      {std::to_string(table_copy), std::to_string(generation)}, deadline);
  if (row.rows() == 0) return std::nullopt;
  return GenerationFacts{static_cast<std::uint32_t>(row.int64(0, 0)), static_cast<std::uint32_t>(row.int64(0, 1)),
                         std::string(row.text(0, 2)), std::string(row.text(0, 3)), std::string(row.text(0, 4)),
                         row.boolean(0, 5), row.boolean(0, 6)};
}

LedgerTotals read_totals(pg::Connection& connection, const LedgerNames& names, int table_copy, Deadline deadline) {
  const auto row = connection.query(
      fmt::format("SELECT chunks_done, chunks_pending, rows_done, bytes_done, estimated_bytes_pending FROM {} "
                  "WHERE table_copy = $1::integer",
                  names("table_copy_progress")),
      {std::to_string(table_copy)}, deadline);
  return {row.int64(0, 0), row.int64(0, 1), row.int64(0, 2), row.int64(0, 3), row.int64(0, 4)};
}

std::optional<LedgerEntry> find_table_copy(pg::Connection& connection, const LedgerNames& names,
                                           const TableCopyIdentity& identity, Deadline deadline) {
  const auto row = connection.query(
      fmt::format("SELECT t.id, t.generation, t.state = 'complete', EXISTS (SELECT FROM {} r WHERE r.table_copy = t.id "
                  "AND r.generation = t.generation) FROM {} t WHERE t.identity_key = pg_catalog.md5($1)",
                  names("round"), names("table_copy")),
      {identity.key()}, deadline);
  if (row.rows() == 0) return std::nullopt;
  LedgerEntry entry;
  entry.table_copy = static_cast<int>(row.int64(0, 0));
  entry.generation = static_cast<int>(row.int64(0, 1));
  entry.complete = row.boolean(0, 2);
  entry.planned = row.boolean(0, 3);
  if (auto facts = read_generation(connection, names, entry.table_copy, entry.generation, deadline)) {
    entry.facts = std::move(*facts);
  }
  entry.totals = read_totals(connection, names, entry.table_copy, deadline);
  return entry;
}

}  // namespace pghaul
