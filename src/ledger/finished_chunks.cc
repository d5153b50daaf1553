#include "ledger/finished_chunks.h"

#include <fmt/format.h>

namespace pghaul {
namespace {

constexpr const char* missing_grants_sql = R"(
SELECT pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user)
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname = $1 AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
UNION ALL
SELECT pg_catalog.format('GRANT SELECT ON TABLE %s TO %I', pg_catalog.string_agg(
         pg_catalog.format('%I.%I', n.nspname, c.relname), ', ' ORDER BY c.oid), current_user)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname IN ('ledger_version', 'table_copy', 'generation', 'chunk')
  AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')
HAVING pg_catalog.count(*) > 0)";

}  // namespace

std::vector<std::string> missing_ledger_grants(pg::Connection& connection, const LedgerNames& names,
                                               Deadline deadline) {
  const auto rows = connection.query(missing_grants_sql, {names.plain_schema()}, deadline);
  std::vector<std::string> grants;
  for (int row = 0; row < rows.rows(); ++row) grants.emplace_back(rows.text(row, 0));
  return grants;
}

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
