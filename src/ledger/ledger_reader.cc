#include "ledger/ledger_reader.h"

#include <fmt/format.h>

namespace pghaul {
namespace {

Chunk chunk_of_row(const pg::Result& rows, int row) {
  Chunk chunk;
  chunk.no = rows.int64(row, 0);
  chunk.parent = rows.int64(row, 1);
  chunk.round = static_cast<int>(rows.int64(row, 2));
  chunk.range.kind = parse_chunk_kind(rows.text(row, 3));
  chunk.range.lower = rows.optional_text(row, 4);
  chunk.range.upper = rows.optional_text(row, 5);
  chunk.range.since = rows.optional_text(row, 6);
  chunk.tail = rows.boolean(row, 7);
  chunk.replace = rows.boolean(row, 8);
  chunk.refined = rows.boolean(row, 9);
  chunk.estimated_bytes = rows.int64(row, 10);
  chunk.estimated_rows = rows.int64(row, 11);
  chunk.failed_attempts = static_cast<int>(rows.int64(row, 12));
  if (!rows.is_null(row, 13)) {
    chunk.range.member = {static_cast<std::uint32_t>(rows.int64(row, 13)), std::string(rows.text(row, 14))};
  }
  return chunk;
}

}  // namespace

std::optional<GenerationFacts> read_generation(pg::Connection& connection, const LedgerNames& names, int table_copy,
                                               int generation, Deadline deadline) {
  const auto row = connection.query(
      fmt::format("SELECT source_oid, source_filenode, source_shape, key_column, strategy, created_target, "
                  "merged, source_timeline FROM {} "
                  "WHERE table_copy = $1::integer AND generation = $2::integer",
                  names("generation")),
      {std::to_string(table_copy), std::to_string(generation)}, deadline);
  if (row.rows() == 0) return std::nullopt;
  return GenerationFacts{static_cast<std::uint32_t>(row.int64(0, 0)), static_cast<std::uint32_t>(row.int64(0, 1)),
                         row.int64(0, 7), std::string(row.text(0, 2)), std::string(row.text(0, 3)),
                         std::string(row.text(0, 4)), row.boolean(0, 5), row.boolean(0, 6)};
}

std::optional<RoundFacts> read_last_round(pg::Connection& connection, const LedgerNames& names, int table_copy,
                                          int generation, Deadline deadline) {
  const auto row = connection.query(
      fmt::format("SELECT round, high_water, settled, late_since, unsettled, reason FROM {} "
                  "WHERE table_copy = $1::integer AND generation = $2::integer ORDER BY round DESC LIMIT 1",
                  names("round")),
      {std::to_string(table_copy), std::to_string(generation)}, deadline);
  if (row.rows() == 0) return std::nullopt;
  RoundFacts facts{static_cast<int>(row.int64(0, 0)), std::nullopt,
                   row.boolean(0, 2), std::string(row.text(0, 3)),
                   std::string(row.text(0, 4)), std::string(row.text(0, 5))};
  if (!row.is_null(0, 1)) facts.high_water = row.int64(0, 1);
  return facts;
}

std::vector<Chunk> read_pending_chunks(pg::Connection& connection, const LedgerNames& names, int table_copy,
                                       int generation, std::optional<std::int64_t> parent, Deadline deadline) {
  const auto rows = connection.query(
      fmt::format("SELECT c.no, c.parent, c.round, c.kind, c.lower_bound, c.upper_bound, c.since, c.tail, c.replace, "
                  "c.refined, c.estimated_bytes, c.estimated_rows, coalesce(f.failures, 0), c.member, m.name FROM {} c "
                  "LEFT JOIN (SELECT chunk, pg_catalog.count(*) AS failures FROM {} WHERE table_copy = $1::integer "
                  "AND generation = $2::integer GROUP BY chunk) f ON f.chunk = c.no "
                  "LEFT JOIN {} m ON m.table_copy = c.table_copy AND m.generation = c.generation AND m.oid = c.member "
                  "WHERE c.table_copy = $1::integer AND c.generation = $2::integer AND c.state = 'pending' "
                  "AND ($3::bigint IS NULL OR c.parent = $3::bigint) ORDER BY c.no",
                  names("chunk"), names("chunk_failure"), names("member")),
      {std::to_string(table_copy), std::to_string(generation), parent ? pg::Param(std::to_string(*parent)) : std::nullopt},
      deadline);
  std::vector<Chunk> chunks;
  chunks.reserve(static_cast<std::size_t>(rows.rows()));
  for (int row = 0; row < rows.rows(); ++row) chunks.push_back(chunk_of_row(rows, row));
  return chunks;
}

std::vector<LedgerMember> read_members(pg::Connection& connection, const LedgerNames& names, int table_copy, int generation,
                                       Deadline deadline) {
  const auto rows = connection.query(
      fmt::format("SELECT oid, name, filenode FROM {} WHERE table_copy = $1::integer AND generation = $2::integer "
                  "ORDER BY round, name",
                  names("member")),
      {std::to_string(table_copy), std::to_string(generation)}, deadline);
  std::vector<LedgerMember> members;
  for (int row = 0; row < rows.rows(); ++row) {
    members.push_back({static_cast<std::uint32_t>(rows.int64(row, 0)), std::string(rows.text(row, 1)),
                       static_cast<std::uint32_t>(rows.int64(row, 2))});
  }
  return members;
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
      fmt::format("SELECT id, generation, state = 'complete' FROM {} WHERE identity_key = pg_catalog.md5($1)",
                  names("table_copy")),
      {identity.key()}, deadline);
  if (row.rows() == 0) return std::nullopt;
  LedgerEntry entry;
  entry.table_copy = static_cast<int>(row.int64(0, 0));
  entry.generation = static_cast<int>(row.int64(0, 1));
  entry.complete = row.boolean(0, 2);
  entry.last_round = read_last_round(connection, names, entry.table_copy, entry.generation, deadline);
  if (auto facts = read_generation(connection, names, entry.table_copy, entry.generation, deadline)) {
    entry.facts = std::move(*facts);
  }
  entry.members = read_members(connection, names, entry.table_copy, entry.generation, deadline);
  entry.totals = read_totals(connection, names, entry.table_copy, deadline);
  return entry;
}

}  // namespace pghaul
