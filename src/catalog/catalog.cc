#include "catalog/catalog.h"

#include <charconv>

#include <fmt/format.h>

#include "catalog/members.h"
#include "pg/quote.h"

namespace pghaul::catalog {

namespace {

// The timeline is the WAL's and not the last checkpoint's, which comes up to minutes after a promotion.
constexpr const char* server_sql = R"(
SELECT (SELECT s.system_identifier FROM pg_catalog.pg_control_system() AS s), pg_catalog.current_database(),
       d.oid, current_user, pg_catalog.current_setting('is_superuser')::pg_catalog.bool,
       pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('default_transaction_read_only')::pg_catalog.bool,
       pg_catalog.current_setting('server_encoding'), pg_catalog.current_setting('server_version_num'),
       pg_catalog.host(pg_catalog.inet_server_addr()), pg_catalog.inet_server_port(),
       CASE WHEN pg_catalog.pg_is_in_recovery()
            THEN (SELECT pg_catalog.to_hex(GREATEST(c.timeline_id, r.min_recovery_end_timeline))
                  FROM pg_catalog.pg_control_checkpoint() AS c, pg_catalog.pg_control_recovery() AS r)
            ELSE pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8) END
FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())";

// A file of the WAL begins with its timeline, in hexadecimal.
std::int64_t parse_timeline(std::string_view text) {
  std::int64_t timeline = 0;
  std::from_chars(text.data(), text.data() + text.size(), timeline, 16);
  return timeline;
}

// Statistics with children only for a relation that has no rows of its own.
constexpr const char* statistics_sql = R"(
SELECT s.histogram_bounds::pg_catalog.text, s.null_frac FROM pg_catalog.pg_stats AS s
WHERE s.schemaname = $1::pg_catalog.text AND s.tablename = $2::pg_catalog.text
  AND s.attname = $3::pg_catalog.text ORDER BY s.inherited LIMIT 1)";

constexpr const char* member_statistics_sql = R"(
SELECT m.no, s.histogram_bounds::pg_catalog.text, s.null_frac
FROM pg_catalog.unnest($1::pg_catalog.oid[]) WITH ORDINALITY AS m (oid, no)
JOIN pg_catalog.pg_class AS c ON c.oid = m.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = c.relname
WHERE s.attname = $2::pg_catalog.text AND NOT s.inherited)";

// One query for four lists, told apart by their first column. What partitions have of their own counts, too: rows that are
// written by the root reach them.
constexpr const char* attachments_sql = R"(
WITH RECURSIVE tree (oid) AS (
  SELECT $1::pg_catalog.oid UNION
  SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i JOIN tree ON i.inhparent = tree.oid
  JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND c.relispartition)
SELECT 't', CASE WHEN t.tgrelid = $1::pg_catalog.oid THEN t.tgname::pg_catalog.text
                 ELSE pg_catalog.format('%I of %I.%I', t.tgname, n.nspname, c.relname) END
FROM tree JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = tree.oid JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE (t.tgrelid = $1::pg_catalog.oid OR t.tgparentid = 0) AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
UNION ALL
SELECT 'r', r.rulename::pg_catalog.text FROM pg_catalog.pg_rewrite AS r
WHERE r.ev_class = $1::pg_catalog.oid AND r.rulename <> '_RETURN' AND r.ev_enabled IN ('O', 'A')
UNION ALL
SELECT 'o', pg_catalog.format('%I to %I.%I', k.conname, n.nspname, c.relname)
FROM tree JOIN pg_catalog.pg_constraint AS k ON k.conrelid = tree.oid
JOIN pg_catalog.pg_class AS c ON c.oid = k.confrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND (k.conrelid = $1::pg_catalog.oid OR k.conparentid = 0)
UNION ALL
SELECT 'i', pg_catalog.format('%I of %I.%I', k.conname, n.nspname, c.relname)
FROM tree JOIN pg_catalog.pg_constraint AS k ON k.confrelid = tree.oid
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND (k.confrelid = $1::pg_catalog.oid OR k.conparentid = 0)
ORDER BY 1, 2)";

// "{-5,0,17}", as an array of integers prints.
std::vector<std::int64_t> parse_integers(std::string_view text) {
  std::vector<std::int64_t> numbers;
  if (text.size() < 2) return numbers;
  const char* next = text.data() + 1;
  const char* const end = text.data() + text.size() - 1;
  while (next < end) {
    std::int64_t number = 0;
    const auto [stop, problem] = std::from_chars(next, end, number);
    // Statistics of another type than the key's: none that we can use.
    if (problem != std::errc{}) return {};
    numbers.push_back(number);
    next = stop + 1;
  }
  return numbers;
}

std::optional<std::int64_t> optional_int64(const pg::Result& result, int row, int column) {
  if (result.is_null(row, column)) return std::nullopt;
  return result.int64(row, column);
}

}  // namespace

ServerFacts read_server_facts(pg::Connection& connection, Deadline deadline) {
  const auto result = connection.query(server_sql, {}, deadline);
  ServerFacts facts;
  facts.system_identifier = result.text(0, 0);
  facts.database = result.text(0, 1);
  facts.database_oid = static_cast<std::uint32_t>(result.int64(0, 2));
  facts.role = result.text(0, 3);
  facts.superuser = result.boolean(0, 4);
  facts.in_recovery = result.boolean(0, 5);
  facts.read_only = facts.in_recovery || result.boolean(0, 6);
  facts.encoding = result.text(0, 7);
  facts.version_num = static_cast<int>(result.int64(0, 8));
  facts.address = result.is_null(0, 9) ? connection.label()
                                       : fmt::format("{}:{}", result.text(0, 9), result.text(0, 10));
  facts.timeline = parse_timeline(result.text(0, 11));
  return facts;
}

KeyStatistics read_key_statistics(pg::Connection& connection, const TableName& name, const std::string& column,
                                  Deadline deadline) {
  const auto result = connection.query(statistics_sql, {name.schema, name.name, column}, deadline);
  if (result.rows() == 0) return {};
  return {parse_integers(result.text(0, 0)), result.number(0, 1)};
}

std::vector<KeyStatistics> read_member_statistics(pg::Connection& connection, const std::vector<Member>& members,
                                                  const std::string& column, Deadline deadline) {
  std::vector<KeyStatistics> statistics(members.size());
  const auto result = connection.query(member_statistics_sql, {oid_array(members), column}, deadline);
  for (int row = 0; row < result.rows(); ++row) {
    statistics.at(static_cast<std::size_t>(result.int64(row, 0) - 1)) = {parse_integers(result.text(row, 1)),
                                                                         result.number(row, 2)};
  }
  return statistics;
}

KeyBounds read_key_bounds(pg::Connection& connection, const TableName& name, const std::string& column,
                          Deadline deadline, Descendants descendants) {
  // ORDER BY is qualified: a bare name would be an output column's.
  constexpr const char* probe =
      "(SELECT t.{0}::pg_catalog.text FROM {1} AS t WHERE t.{0} IS NOT NULL ORDER BY t.{0} {2} LIMIT 1)";
  const std::string key = pg::quote_identifier(column);
  const std::string table = (descendants == Descendants::ignore ? "ONLY " : "") + name.sql();
  const auto sql = fmt::format("SELECT {}, {}", fmt::format(fmt::runtime(probe), key, table, "ASC"),
                               fmt::format(fmt::runtime(probe), key, table, "DESC"));
  const auto result = connection.query(sql, {}, deadline);
  return {optional_int64(result, 0, 0), optional_int64(result, 0, 1)};
}

Attachments read_attachments(pg::Connection& connection, std::uint32_t oid, Deadline deadline) {
  const auto result = connection.query(attachments_sql, {std::to_string(oid)}, deadline);
  Attachments found;
  for (int row = 0; row < result.rows(); ++row) {
    const char kind = result.text(row, 0).front();
    auto& list = kind == 't'   ? found.triggers
                 : kind == 'r' ? found.rules
                 : kind == 'o' ? found.foreign_keys_out
                               : found.foreign_keys_in;
    list.emplace_back(result.text(row, 1));
  }
  return found;
}

bool has_rows(pg::Connection& connection, const TableName& name, Deadline deadline) {
  const auto result = connection.query(fmt::format("SELECT EXISTS (SELECT FROM {})", name.sql()), {}, deadline);
  return result.boolean(0, 0);
}

std::vector<std::string> unknown_types(pg::Connection& connection, const std::vector<std::string>& types,
                                       Deadline deadline) {
  if (types.empty()) return {};
  std::string values;
  for (std::size_t i = 1; i <= types.size(); ++i) {
    values += fmt::format("{}({}, ${}::pg_catalog.text)", values.empty() ? "" : ", ", i, i);
  }
  const auto sql = fmt::format(
      "SELECT DISTINCT ON (t.name) t.no, t.name FROM (VALUES {}) AS t (no, name)"
      " WHERE pg_catalog.to_regtype(t.name) IS NULL", values);
  const auto result = connection.query(sql, pg::Params(types.begin(), types.end()), deadline);
  std::vector<std::string> unknown;
  for (int row = 0; row < result.rows(); ++row) unknown.emplace_back(result.text(row, 1));
  return unknown;
}

}  // namespace pghaul::catalog
