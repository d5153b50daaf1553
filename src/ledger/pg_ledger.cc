#include "ledger/pg_ledger.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "ledger/ledger_reader.h"
#include "ledger/pg_mark.h"
#include "pg/copy.h"
#include "pg/transaction.h"

namespace pghaul {
namespace {

// Text format of COPY: NULL is \N; backslash, tab, newline and carriage return are escaped.
std::string copy_field(const std::optional<std::string>& value) {
  if (!value) return "\\N";
  std::string out;
  for (const char c : *value) {
    if (c == '\\') out += "\\\\";
    else if (c == '\t') out += "\\t";
    else if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else out += c;
  }
  return out;
}

}  // namespace

Mark PgLedger::owner_mark() const { return Mark{table_copy_, generation_, epoch_, 0, 1}; }

Mark PgLedger::mark_for(const Chunk& chunk) const {
  return Mark{table_copy_, generation_, epoch_, chunk.no, chunk.failed_attempts + 1, chunk.range};
}

std::optional<RoundFacts> PgLedger::last_round() {
  std::optional<RoundFacts> facts;
  session_.use([&](pg::Connection& connection) {
    facts = read_last_round(connection, session_.names(), table_copy_, generation_, session_.statement_deadline());
  });
  return facts;
}

LedgerTotals PgLedger::totals() {
  LedgerTotals totals;
  session_.use([&](pg::Connection& connection) {
    totals = read_totals(connection, session_.names(), table_copy_, session_.statement_deadline());
  });
  return totals;
}

bool PgLedger::step_done(const std::string& step) {
  bool done = false;
  session_.use([&](pg::Connection& connection) { done = has_step(connection, step); });
  return done;
}

bool PgLedger::has_step(pg::Connection& connection, const std::string& step) {
  return connection
             .query(fmt::format("SELECT FROM {} WHERE table_copy = $1::integer AND generation = $2::integer AND step = $3",
                                session_.names()("step")),
                    {std::to_string(table_copy_), std::to_string(generation_), step}, session_.statement_deadline())
             .rows() > 0;
}

bool PgLedger::is_complete() {
  bool complete = false;
  session_.use([&](pg::Connection& connection) {
    complete = connection
                   .query(fmt::format("SELECT state = 'complete' FROM {} WHERE id = $1::integer",
                                      session_.names()("table_copy")),
                          {std::to_string(table_copy_)}, session_.statement_deadline())
                   .boolean(0, 0);
  });
  return complete;
}

// What lay above the high-water mark, had no key, or was the whole table, is what a later round copies again.
void PgLedger::supersede_replaced(pg::Connection& connection) {
  connection.query(fmt::format("UPDATE {} SET superseded = true WHERE table_copy = $1::integer "
                               "AND generation = $2::integer AND state = 'done' AND (tail OR kind = 'null')",
                               session_.names()("chunk")),
                   {std::to_string(table_copy_), std::to_string(generation_)}, session_.statement_deadline());
}

std::int64_t PgLedger::next_chunk_number(pg::Connection& connection) {
  return connection
             .query(fmt::format("SELECT coalesce(pg_catalog.max(no), 0) FROM {} WHERE table_copy = $1::integer "
                                "AND generation = $2::integer",
                                session_.names()("chunk")),
                    {std::to_string(table_copy_), std::to_string(generation_)}, session_.statement_deadline())
             .int64(0, 0) +
         1;
}

void PgLedger::insert_chunks(pg::Connection& connection, std::vector<Chunk>& chunks, std::int64_t first_number) {
  pg::CopyIn copy(connection,
                  fmt::format("COPY {} (table_copy, generation, no, parent, round, kind, lower_bound, upper_bound, "
                              "since, member, tail, replace, refined, estimated_bytes, estimated_rows) FROM STDIN",
                              session_.names()("chunk")),
                  session_.statement_deadline());
  std::string lines;
  for (auto& chunk : chunks) {
    chunk.no = first_number++;
    const auto member = chunk.range.member ? std::optional(std::to_string(chunk.range.member->oid)) : std::nullopt;
    lines += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", table_copy_, generation_,
                         chunk.no, chunk.parent, chunk.round, to_string(chunk.range.kind),
                         copy_field(chunk.range.lower), copy_field(chunk.range.upper), copy_field(chunk.range.since),
                         copy_field(member), chunk.tail, chunk.replace,
                         chunk.refined, chunk.estimated_bytes, chunk.estimated_rows);
  }
  copy.write(lines);
  copy.finish();
}

void PgLedger::insert_members(pg::Connection& connection, const RoundFacts& round) {
  if (round.new_members.empty()) return;
  pg::CopyIn copy(connection,
                  fmt::format("COPY {} (table_copy, generation, oid, name, filenode, round) FROM STDIN",
                              session_.names()("member")),
                  session_.statement_deadline());
  std::string lines;
  for (const auto& member : round.new_members) {
    lines += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\n", table_copy_, generation_, member.oid, copy_field(member.name),
                         member.filenode, round.round);
  }
  copy.write(lines);
  copy.finish();
}

std::vector<Chunk> PgLedger::save_plan(const RoundFacts& round, std::vector<Chunk> chunks, Deadline deadline,
                                       const std::vector<std::string>& statements) {
  session_.use([&](pg::Connection& connection) {
    failpoint(fp::plan_before_save);
    pg::Transaction transaction(connection, session_.statement_deadline(),
                                begin_fenced_sql(session_.names(), table_copy_));
    // The first statement is the referee: the round exists already if the answer to an earlier COMMIT was lost.
    const auto stored = connection.query(
        fmt::format("INSERT INTO {} (table_copy, generation, round, high_water, settled, late_since, unsettled, reason) "
                    "SELECT t.id, t.generation, $3::integer, $4::bigint, $5::boolean, $6, $7, $8 FROM {} t "
                    "WHERE t.id = $1::integer AND t.epoch = $2::bigint ON CONFLICT DO NOTHING",
                    session_.names()("round"), session_.names()("table_copy")),
        {std::to_string(table_copy_), std::to_string(epoch_), std::to_string(round.round),
         round.high_water ? std::optional(std::to_string(*round.high_water)) : std::nullopt, fmt::to_string(round.settled),
         round.late_since.empty() ? std::nullopt : std::optional(round.late_since), round.unsettled, round.reason},
        session_.statement_deadline());
    if (stored.affected_rows() == 0) {
      check_ownership();
      return;
    }
    if (!statements.empty()) failpoint(fp::tail_before_delete);
    for (const auto& statement : statements) connection.run(statement, deadline);
    if (!statements.empty()) failpoint(fp::tail_deleted);
    supersede_replaced(connection);
    insert_members(connection, round);
    for (auto& chunk : chunks) chunk.round = round.round;
    insert_chunks(connection, chunks, next_chunk_number(connection));
    connection.query(fmt::format("UPDATE {} SET state = 'copying', last_stop = NULL WHERE id = $1::integer",
                                 session_.names()("table_copy")),
                     {std::to_string(table_copy_)}, session_.statement_deadline());
    transaction.commit(deadline);
    failpoint(fp::plan_saved);
  });
  planned_round_ = round.round;
  return pending_chunks();
}

std::vector<Chunk> PgLedger::pending_chunks() {
  std::vector<Chunk> chunks;
  session_.use([&](pg::Connection& connection) {
    chunks = read_pending_chunks(connection, session_.names(), table_copy_, generation_, std::nullopt,
                                 session_.statement_deadline());
  });
  return chunks;
}

bool PgLedger::claim_for_split(pg::Connection& connection, const Chunk& parent) {
  pg::Params params{std::to_string(table_copy_), std::to_string(generation_), std::to_string(parent.no),
                    std::to_string(epoch_)};
  append_range(params, parent.range);
  return connection
             .query(fmt::format("UPDATE {} c SET state = 'split' FROM {} t WHERE c.table_copy = $1::integer "
                                "AND c.generation = $2::integer AND c.no = $3::bigint AND c.state = 'pending' "
                                "AND t.id = c.table_copy AND t.epoch = $4::bigint AND {}",
                                session_.names()("chunk"), session_.names()("table_copy"), same_range_sql(5)),
                    params, session_.statement_deadline())
             .affected_rows() == 1;
}

bool PgLedger::knows(pg::Connection& connection, const Chunk& chunk) {
  pg::Params params{std::to_string(table_copy_), std::to_string(generation_), std::to_string(chunk.no)};
  append_range(params, chunk.range);
  return connection
             .query(fmt::format("SELECT FROM {} c WHERE c.table_copy = $1::integer AND c.generation = $2::integer "
                                "AND c.no = $3::bigint AND {}",
                                session_.names()("chunk"), same_range_sql(4)),
                    params, session_.statement_deadline())
             .rows() == 1;
}

std::vector<Chunk> PgLedger::split(const Chunk& parent, const std::vector<Chunk>& children) {
  std::vector<Chunk> stored;
  session_.use([&](pg::Connection& connection) {
    failpoint(fp::chunk_before_split);
    pg::Transaction transaction(connection, session_.statement_deadline(),
                                begin_fenced_sql(session_.names(), table_copy_));
    if (!claim_for_split(connection, parent)) {
      check_ownership();
      if (!knows(connection, parent)) return note_forgotten();
      stored = read_pending_chunks(connection, session_.names(), table_copy_, generation_, parent.no,
                                   session_.statement_deadline());
      return;
    }
    stored = children;
    insert_chunks(connection, stored, next_chunk_number(connection));
    transaction.commit(session_.statement_deadline());
    failpoint(fp::chunk_split);
  });
  return stored;
}

void PgLedger::note_failed_attempt(const Chunk& chunk, std::string_view error) noexcept try {
  session_.use([&](pg::Connection& connection) {
    failpoint(fp::failure_before_note);
    connection.query(
        fmt::format("INSERT INTO {} (table_copy, generation, chunk, error) SELECT t.id, $2::integer, $3::bigint, $4 "
                    "FROM {} t WHERE t.id = $1::integer AND t.epoch = $5::bigint",
                    session_.names()("chunk_failure"), session_.names()("table_copy")),
        {std::to_string(table_copy_), std::to_string(generation_), std::to_string(chunk.no), std::string(error),
         std::to_string(epoch_)},
        session_.statement_deadline());
  });
  failpoint(fp::failure_noted);
} catch (const std::exception& failure) {
  log_debug("a failed attempt was not recorded: {}", failure.what());
}

void PgLedger::check_ownership() {
  session_.use([&](pg::Connection& connection) {
    const auto owned = connection.query(
        fmt::format("SELECT FROM {} WHERE id = $1::integer AND epoch = $2::bigint", session_.names()("table_copy")),
        {std::to_string(table_copy_), std::to_string(epoch_)}, session_.statement_deadline());
    if (owned.rows() == 0) throw fenced_error();
  });
}

// A target that lost the plan, or an index that was built, knows of nothing that is left to do.
bool PgLedger::has_lost_work(pg::Connection& connection, const std::vector<std::string>& steps) {
  const auto deadline = session_.statement_deadline();
  const auto plan = connection.query(
      fmt::format("SELECT FROM {} WHERE table_copy = $1::integer AND generation = $2::integer AND round = $3::integer",
                  session_.names()("round")),
      {std::to_string(table_copy_), std::to_string(generation_), std::to_string(planned_round_)}, deadline);
  if (planned_round_ > 0 && plan.rows() == 0) return true;
  return !std::ranges::all_of(steps, [&](const std::string& step) { return has_step(connection, step); });
}

bool PgLedger::finish(const std::vector<std::string>& steps, Deadline deadline) {
  bool finished = false;
  session_.use([&](pg::Connection& connection) {
    pg::Transaction transaction(connection, session_.statement_deadline(),
                                begin_fenced_sql(session_.names(), table_copy_));
    connection.run("SET LOCAL synchronous_commit = on", session_.statement_deadline());
    const auto updated = connection.query(
        fmt::format("UPDATE {} SET state = 'complete', last_stop = NULL WHERE id = $1::integer AND epoch = $2::bigint "
                    "AND NOT EXISTS (SELECT FROM {} c WHERE c.table_copy = $1::integer AND c.generation = $3::integer "
                    "AND c.state = 'pending')",
                    session_.names()("table_copy"), session_.names()("chunk")),
        {std::to_string(table_copy_), std::to_string(epoch_), std::to_string(generation_)}, deadline);
    finished = updated.affected_rows() == 1 && !has_lost_work(connection, steps);
    if (!finished) {
      check_ownership();
      return;
    }
    for (const auto* table : {"generation", "round"}) {
      connection.query(fmt::format("UPDATE {} SET finished_at = pg_catalog.now() WHERE table_copy = $1::integer "
                                   "AND generation = $2::integer AND finished_at IS NULL",
                                   session_.names()(table)),
                       {std::to_string(table_copy_), std::to_string(generation_)}, session_.statement_deadline());
    }
    failpoint(fp::before_finish);
    transaction.commit(deadline);
    failpoint(fp::finished);
  });
  return finished;
}

void PgLedger::note_stop(const std::string& reason) noexcept try {
  session_.use_after_stop([&](pg::Connection& connection) {
    failpoint(fp::stop_before_note);
    connection.query(fmt::format("UPDATE {} SET last_stop = $3 WHERE id = $1::integer AND epoch = $2::bigint",
                                 session_.names()("table_copy")),
                     {std::to_string(table_copy_), std::to_string(epoch_), reason},
                     Deadline::after(std::chrono::seconds(2)));
    failpoint(fp::stop_noted);
  });
} catch (const std::exception& failure) {
  log_debug("the reason of the stop was not recorded: {}", failure.what());
}

}  // namespace pghaul
