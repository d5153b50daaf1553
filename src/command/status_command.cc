// What the ledger says, for people and machines.
#include <fmt/format.h>

#include "base/log.h"
#include "command/commands.h"
#include "ledger/pg_ledger_schema.h"
#include "pg/connection.h"

namespace pghaul {
namespace {

constexpr auto patience = std::chrono::seconds(30);

pg::SessionOptions status_session(const StatusOptions& options, const StopSource& stop) {
  pg::SessionOptions session;
  session.application_name = "pghaul status";
  session.stop = &stop;
  session.connect_timeout = options.connect_timeout;
  session.settings = {{"search_path", ""}, {"default_transaction_read_only", "on"}, {"statement_timeout", "30000"}};
  return session;
}

// Bytes per second: over the last minute while running, else over the whole time from start to the last chunk.
constexpr std::string_view rate_sql =
    "SELECT coalesce(CASE WHEN $3::boolean THEN (SELECT pg_catalog.sum(c.bytes) / 60.0 FROM {0} c "
    "WHERE c.table_copy = $1::integer AND c.generation = $2::integer AND c.done_at > pg_catalog.now() - '1 min'::interval) "
    "ELSE (SELECT pg_catalog.sum(c.bytes) / GREATEST(0.001, EXTRACT(EPOCH FROM pg_catalog.max(c.done_at) - "
    "(SELECT pg_catalog.min(r.planned_at) FROM {1} r WHERE r.table_copy = $1::integer AND r.generation = $2::integer))) "
    "FROM {0} c WHERE c.table_copy = $1::integer AND c.generation = $2::integer AND c.state = 'done') END, 0)";

std::string state_of(const pg::Result& row, int line) {
  if (row.boolean(line, 8)) return "running";
  const auto state = row.text(line, 7);
  const auto stop = row.text(line, 20);
  if (state != "copying") return std::string(state);
  if (stop.starts_with("paused")) return "paused";
  if (stop.empty() || stop.starts_with("stopped")) return "interrupted";
  return "failed";
}

// What the same command would do, and how much of it a second time.
void judge_resume(TableStatus& table, bool pages_left, std::int64_t last_round_chunks, bool unsettled, bool gains) {
  if (table.state == "running") {
    table.resume_text = "it is running; a second start is refused";
  } else if (table.state == "new") {
    table.resume_text = "nothing was begun; the copy starts from the beginning";
  } else if (table.state == "complete" && !gains) {
    table.resumable = true;
    table.resume_text = "the next run has nothing to do: no key tells what is newer; --full copies it anew";
  } else if (table.state == "complete") {
    table.resumable = true;
    table.resume_text = fmt::format("the next run takes what the source has gained{}",
                                    unsettled ? ", and looks for late rows: they are undecided" : "");
  } else if (pages_left) {
    table.resume_text = "pages are valid only inside the snapshot that is gone: the next run copies all of it anew";
  } else {
    table.resumable = true;
    table.resume_text =
        table.chunks_pending == 0 && last_round_chunks > 0
            ? "no chunk is left; the next run builds indexes and finishes"
            : fmt::format("the next run does the {} chunks left; no finished chunk is done again", table.chunks_pending);
  }
}

void add_failures(pg::Connection& connection, const LedgerNames& names, TableStatus& table) {
  const auto rows = connection.query(
      fmt::format("SELECT pg_catalog.to_char(failed_at, 'YYYY-MM-DD HH24:MI:SS'), chunk, error FROM {} "
                  "WHERE table_copy = $1::integer AND generation = $2::integer ORDER BY failed_at DESC LIMIT 5",
                  names("chunk_failure")),
      {std::to_string(table.id), std::to_string(table.generation)}, Deadline::after(patience));
  for (int row = 0; row < rows.rows(); ++row) {
    table.failures.push_back(
        fmt::format("{} chunk {}: {}", rows.text(row, 0), rows.text(row, 1), rows.text(row, 2)));
  }
}

void add_rate(pg::Connection& connection, const LedgerNames& names, TableStatus& table) {
  table.bytes_per_second =
      connection
          .query(fmt::format(fmt::runtime(rate_sql), names("chunk"), names("round")),
                 {std::to_string(table.id), std::to_string(table.generation), table.state == "running" ? "t" : "f"},
                 Deadline::after(patience))
          .number(0, 0);
  if (table.bytes_per_second > 0 && table.chunks_pending > 0) {
    const auto seconds = static_cast<double>(table.bytes_pending) / table.bytes_per_second;
    constexpr double unbelievable = 1e9;
    if (seconds < unbelievable) table.eta = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
  }
}

constexpr std::string_view members_sql =
    "SELECT m.name, pg_catalog.count(*) FILTER (WHERE c.state = 'done'), "
    "pg_catalog.count(*) FILTER (WHERE c.state = 'pending'), "
    "pg_catalog.sum(CASE WHEN c.kind = 'late' THEN c.late_rows ELSE c.rows END) FILTER (WHERE c.state = 'done') "
    "FROM {0} m LEFT JOIN {1} c ON c.table_copy = m.table_copy AND c.generation = m.generation AND c.member = m.oid "
    "WHERE m.table_copy = $1::integer AND m.generation = $2::integer GROUP BY m.oid, m.name ORDER BY m.name";

void add_members(pg::Connection& connection, const LedgerNames& names, TableStatus& table) {
  const auto rows = connection.query(fmt::format(fmt::runtime(members_sql), names("member"), names("chunk")),
                                     {std::to_string(table.id), std::to_string(table.generation)},
                                     Deadline::after(patience));
  for (int row = 0; row < rows.rows(); ++row) {
    table.members.push_back({std::string(rows.text(row, 0)), rows.int64(row, 1), rows.int64(row, 2), rows.int64(row, 3)});
  }
}

TableStatus table_status(const pg::Result& row, int line) {
  TableStatus table;
  table.id = static_cast<int>(row.int64(line, 0));
  table.source_database = row.text(line, 1);
  table.source_table = row.text(line, 2);
  table.target_table = row.text(line, 3);
  table.where_sql = row.text(line, 5);
  table.columns = row.text(line, 6);
  table.state = state_of(row, line);
  table.owner = row.text(line, 9);
  table.generation = static_cast<int>(row.int64(line, 10));
  table.started_at = row.text(line, 11);
  table.finished_at = row.text(line, 12);
  table.chunks_done = row.int64(line, 13);
  table.chunks_pending = row.int64(line, 14);
  table.rows_done = row.int64(line, 15);
  table.bytes_done = row.int64(line, 16);
  table.bytes_pending = row.int64(line, 17);
  table.last_stop = row.text(line, 20);
  judge_resume(table, row.boolean(line, 18), row.int64(line, 19), row.boolean(line, 21), row.boolean(line, 22));
  return table;
}

constexpr std::string_view status_sql =
    "SELECT p.table_copy, p.source_database, p.source_table, p.target_table, NULL, p.where_sql, p.columns, p.state, "
    "p.running, CASE WHEN p.running THEN pg_catalog.format('process %s on host %s since %s', p.owner_pid, p.owner_host, "
    "pg_catalog.to_char(p.owner_since, 'YYYY-MM-DD HH24:MI:SS')) END, p.generation, "
    "pg_catalog.to_char(p.started_at, 'YYYY-MM-DD HH24:MI:SS'), pg_catalog.to_char(p.finished_at, "
    "'YYYY-MM-DD HH24:MI:SS'), p.chunks_done, p.chunks_pending, p.rows_done, p.bytes_done, p.estimated_bytes_pending, "
    "EXISTS (SELECT FROM {1} c WHERE c.table_copy = p.table_copy AND c.generation = p.generation "
    "AND c.state = 'pending' AND c.kind = 'ctid'), "
    "(SELECT pg_catalog.count(*) FROM {1} c WHERE c.table_copy = p.table_copy AND c.generation = p.generation), "
    "p.last_stop, coalesce((SELECT NOT r.settled AND r.high_water IS NOT NULL FROM {2} r "
    "WHERE r.table_copy = p.table_copy AND r.generation = p.generation ORDER BY r.round DESC LIMIT 1), false), "
    // What a later run replaces, and the mark above which rows are newer: without either it finds nothing.
    "EXISTS (SELECT FROM {1} c WHERE c.table_copy = p.table_copy AND c.generation = p.generation AND c.tail) "
    "OR EXISTS (SELECT FROM {2} r WHERE r.table_copy = p.table_copy AND r.generation = p.generation "
    "AND r.high_water IS NOT NULL) FROM {0} p";

StatusReport read_status(const StatusOptions& options, const pg::Endpoint& target, StopSource& stop) {
  const LedgerNames names(options.ledger_schema);
  StatusReport report;
  report.ledger_schema = options.ledger_schema;
  std::optional<pg::Connection> connection;
  try {
    connection.emplace(target, status_session(options, stop));
  } catch (Error& error) {
    if (error.kind() == ErrorKind::connection_lost || error.kind() == ErrorKind::failed) {
      error.become(ErrorKind::refused);
    }
    throw;
  }
  if (const auto risk = connection->line_risk(); !risk.empty()) {
    log_warning("target: {}; add to --target: sslmode=verify-full sslrootcert=FILE", risk);
  }
  report.ledger = ledger_exists(*connection, names, Deadline::after(patience));
  if (!report.ledger) return report;
  const auto rows = connection->run(
      fmt::format(fmt::runtime(status_sql), names("table_copy_progress"), names("chunk"), names("round")),
      Deadline::after(patience));
  for (int line = 0; line < rows.rows(); ++line) {
    auto table = table_status(rows, line);
    add_rate(*connection, names, table);
    add_failures(*connection, names, table);
    add_members(*connection, names, table);
    report.tables.push_back(std::move(table));
  }
  return report;
}

}  // namespace

StatusReport status(const StatusOptions& options, StopSource& stop) {
  const auto target = pg::parse_endpoint(Side::target, options.target);
  try {
    return read_status(options, target, stop);
  } catch (Error& error) {
    if (error.side() == Side::none) error.on(Side::target);
    if (error.object().empty()) error.about(target.label);
    if (error.what_is_safe().empty()) error.safe("nothing was changed: status only reads");
    if (error.advice().empty()) error.advise("mend the cause and run the same command again");
    throw;
  }
}

}  // namespace pghaul
