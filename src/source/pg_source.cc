#include "source/pg_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/activity.h"
#include "base/sqlstate.h"
#include "pg/copy.h"
#include "pg/statement_deadline.h"
#include "pg/transaction.h"
#include "plan/key_bound.h"
#include "source/ordered_ranges.h"
#include "source/row_counter.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace pghaul {
namespace {

// Between two looks at the clock.
constexpr std::size_t look_bytes = 4 * 1024;

std::string cut_of(const SourceTable& table, const pg::Result& keys, int row) {
  if (!table.ordered_key) return std::string(keys.text(row, 0));
  KeyBound bound;
  for (int column = 0; column < keys.columns(); ++column) bound.emplace_back(keys.text(row, column));
  return encode_bound(bound);
}

Error changed_error(const SourceTable& table, const std::string& what) {
  return Error(ErrorKind::failed, what)
      .on(Side::source)
      .about(table.shape.name.display())
      .safe("chunks finished before are kept; this chunk was not written")
      .advise("run the same command with --full to copy the table anew");
}

// It may have been given to another table, been made one of its own, or another name.
Error left_error(const SourceTable& table, const std::string& member) {
  return changed_error(table, member + " was detached, dropped or renamed in mid-copy")
      .advise("run the same command again: it says whether --full is needed, which copies the table anew");
}

// A name that the server does not know any more. What is read for a comparison may be of the other side.
Error explained(const Error& error, const SourceTable& table, const ChunkRange& range, Side side) {
  const bool unknown = error.sqlstate() == sqlstate::undefined_table;
  auto told = unknown && range.member ? left_error(table, range.member->name) : error;
  if (told.side() == Side::source) told.on(side);
  return told;
}

Error pages_lost(const SourceTable& table) {
  return Error(ErrorKind::failed, "the snapshot was lost or got too old, and pages are valid only inside one")
      .on(Side::source)
      .about(table.shape.name.display())
      .safe("the ledger knows which chunks are done, but they cannot be added to")
      .advise("run the same command again: it copies the table anew, in a new snapshot; with a longer --max-snapshot-age if that "
              "is given, or after the table was given a unique key");
}

Error too_old(const SourceTable& table) {
  return Error(ErrorKind::transient, "the chunk takes longer than its snapshot may get old")
      .on(Side::source)
      .about(table.shape.name.display())
      .with_sqlstate(std::string(sqlstate::query_canceled))
      .advise("raise --max-snapshot-age, or lower --batch-bytes; then run the same command again");
}

// For messages.
std::string name_of(const SourceTable& table, const ChunkRange& range) {
  if (range.member) return range.member->name;
  return table.shape.is_tree() ? "a partition or child of the table" : "the table";
}

std::uint32_t planned_filenode(const catalog::TableShape& shape, std::uint32_t oid) {
  const auto* member = shape.member(oid);
  return member != nullptr ? member->filenode : shape.filenode;
}

}  // namespace

PgSource::PgSource(pg::Endpoint endpoint, pg::SessionOptions session, const std::vector<SourceTable>& tables,
                   SnapshotKeeper* keeper, Duration statement_timeout)
    : endpoint_(std::move(endpoint)),
      session_(std::move(session)),
      tables_(tables),
      keeper_(keeper),
      statement_timeout_(statement_timeout) {}

Deadline PgSource::statement_deadline() const { return pg::statement_deadline(statement_timeout_); }

void PgSource::connect() {
  if (connection_ && connection_->usable()) return;
  connection_.reset();
  connection_.emplace(endpoint_, session_);
}

PgSource::Begun PgSource::begin(const SourceTable& table, const ChunkRange& range, Deadline deadline) {
  std::vector<std::uint32_t> filenodes;
  const auto oids = relations_read(table, range);
  if (keeper_ != nullptr) {
    const Doing importing(Activity::source_answer);  // one after the other
    auto snapshot = keeper_->begin_in_snapshot(*connection_, deadline);
    if (range.kind == ChunkKind::ctid && snapshot.number > 1) throw pages_lost(table);
    for (const auto oid : oids) filenodes.push_back(snapshot.filenodes[oid]);
    return {std::move(snapshot.text), std::move(filenodes), snapshot.until};
  }
  for (const auto oid : oids) filenodes.push_back(planned_filenode(table.shape, oid));
  // No LOCK TABLE before the snapshot: it asks for a right on the whole table, and a TRUNCATE that comes between
  // snapshot and COPY has left another file than the plan's, which is checked after the COPY.
  const auto row = connection_->run(
      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_catalog.pg_current_snapshot()", deadline);
  return {std::string(row.text(0, 0)), std::move(filenodes)};
}

// The server ends what takes longer: the whole of a chunk that can be cut may take as long as a statement, but no chunk
// longer than its snapshot may get old.
void PgSource::bound_statements(const ChunkRange& range, Deadline until) {
  if (can_be_cut(range) && until.is_never()) return;
  Duration longest{0};  // none
  if (!until.is_never()) {
    longest = std::max(Duration(1), std::chrono::ceil<Duration>(until.remaining()));
    if (can_be_cut(range)) longest = std::min(longest, statement_timeout_);
  }
  connection_->run(fmt::format("SET LOCAL statement_timeout = {}", longest.count()), statement_deadline());
}

// Rolling back by closing keeps this path the same for every error; a new session costs a few milliseconds.
void PgSource::leave() {
  if (connection_->usable() && connection_->in_transaction()) connection_->abandon();
}

// Before anything is done by these cuts.
void PgSource::check_order(const SourceTable& table, const ChunkRange& range, const std::vector<std::string>& cuts,
                           Deadline deadline) {
  if (!table.ordered_key || cuts.empty()) return;
  auto bounds = cuts;
  if (range.lower) bounds.insert(bounds.begin(), *range.lower);
  if (range.upper) bounds.push_back(*range.upper);
  if (connection_->run(ascending_sql(*table.ordered_key, bounds), deadline).boolean(0, 0)) return;
  throw Error(ErrorKind::failed, fmt::format("values of the key {} do not keep their order when they are written down",
                                             table.ordered_key->display()))
      .on(Side::source)
      .about(table.shape.name.display())
      .advise("look whether its index is damaged; --chunk-by ctid does without it");
}

std::vector<std::string> PgSource::probe_cuts(std::size_t table, const Chunk& chunk, std::int64_t rows, int most) {
  if (chunk.range.kind != ChunkKind::key) return {};
  connect();
  const auto deadline = statement_deadline();
  std::vector<std::string> cuts;
  try {
    const auto begun = begin(tables_[table], chunk.range, deadline);
    bound_statements(chunk.range, begun.until);
    connection_->run("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off",
                     deadline);
    const auto keys = connection_->run(probe_sql(tables_[table], chunk.range, rows, most), deadline);
    for (int row = 0; row < keys.rows(); ++row) cuts.push_back(cut_of(tables_[table], keys, row));
    check_order(tables_[table], chunk.range, cuts, deadline);
    connection_->run("COMMIT", deadline);
  } catch (const Error& error) {
    leave();
    throw explained(error, tables_[table], chunk.range, endpoint_.side);
  } catch (...) {
    leave();
    throw;
  }
  return cuts;
}

void PgSource::copy_rows(const SourceTable& table, const Chunk& chunk, BatchReceiver& receiver, BatchSummary& summary,
                         Deadline deadline, Deadline until) {
  const auto sql = table.query ? table.query(chunk.range) : copy_out_sql(table, chunk.range);
  pg::CopyOut copy(*connection_, sql, deadline);
  RowCounter counter(table.binary);
  std::string_view frame;
  std::size_t unlooked = 0;  // bytes
  receiver.hurry(until);
  while (copy.next(frame)) {
    // The server cannot end what waits for us, held to a rate, say.
    unlooked += frame.size();
    if (unlooked >= look_bytes && until.expired()) throw too_old(table);
    if (unlooked >= look_bytes) unlooked = 0;
    const auto row = counter.row_of(frame);
    if (!row.empty()) {
      const auto hash = XXH3_128bits(row.data(), row.size());
      summary.checksum.add(hash.low64, hash.high64);
      summary.bytes += static_cast<std::int64_t>(row.size());
      ++summary.rows;
    }
    receiver.write(frame);
  }
  if (copy.row_count() == summary.rows) return;
  throw Error(ErrorKind::failed,
              fmt::format("the server says it sent {} rows, {} arrived", copy.row_count(), summary.rows))
      .on(Side::source)
      .about(table.shape.name.display());
}

void PgSource::check_unchanged(const SourceTable& table, const ChunkRange& range,
                               const std::vector<std::uint32_t>& filenodes, Deadline deadline) {
  const auto now = connection_->run(shape_check_sql(table, range), deadline);
  if (now.text(0, 0) != fmt::format("{}", fmt::join(filenodes, " "))) {
    throw changed_error(table, name_of(table, range) + " was truncated, rewritten or dropped in mid-copy");
  }
  check_columns(table, range, now);
}

void PgSource::check_columns(const SourceTable& table, const ChunkRange& range, const pg::Result& now) const {
  const auto* member = range.member ? table.shape.member(range.member->oid) : nullptr;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const auto* column = table.shape.column(table.columns[i]);
    const auto place = static_cast<std::size_t>(column - table.shape.columns.data());
    const int number = member != nullptr ? member->column_numbers.at(place) : column->number;
    const int field = static_cast<int>(i) + 1;
    if (now.origin_table(field) != (member != nullptr ? member->oid : table.shape.oid)) {
      throw changed_error(table, name_of(table, range) + " was replaced by another one of the same name in mid-copy");
    }
    if (now.origin_column(field) != number || now.type_oid(field) != column->sent_type_oid) {
      throw changed_error(table, fmt::format("column {} was altered in mid-copy", column->name));
    }
  }
}

// In a transaction of its own: the chunk's sees the catalog as it was when its snapshot was taken.
void PgSource::check_members(const SourceTable& table, const ChunkRange& range, Deadline deadline) {
  if (!table.shape.is_tree()) return;
  const auto strays = connection_->run(strays_sql(table, relations_read(table, range)), deadline);
  if (strays.rows() == 0) return;
  const auto* member = table.shape.member(static_cast<std::uint32_t>(strays.int64(0, 0)));
  throw left_error(table, member->name.display());
}

BatchSummary PgSource::read(std::size_t table, const Chunk& chunk, BatchReceiver& receiver) {
  connect();
  const auto& source_table = tables_[table];
  const auto deadline = can_be_cut(chunk.range) ? statement_deadline() : Deadline::never();
  const auto started = Deadline::Clock::now();
  BatchSummary summary;
  summary.record_format = source_table.record_format;
  auto until = Deadline::never();
  const auto time_passed = [&] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Deadline::Clock::now() - started);
  };
  try {
    const auto begun = begin(source_table, chunk.range, statement_deadline());
    summary.snapshot = begun.snapshot;
    until = begun.until;
    bound_statements(chunk.range, until);
    copy_rows(source_table, chunk, receiver, summary, deadline, until);
    check_unchanged(source_table, chunk.range, begun.filenodes, statement_deadline());
    connection_->run("COMMIT", statement_deadline());
    check_members(source_table, chunk.range, statement_deadline());
  } catch (const Error& error) {
    leave();
    if (error.sqlstate() == sqlstate::query_canceled && until.expired()) {
      keeper_->note_read(time_passed());
      if (error.side() == Side::source) throw too_old(source_table);
    }
    throw explained(error, source_table, chunk.range, endpoint_.side);
  } catch (...) {
    leave();
    throw;
  }
  summary.read_time = time_passed();
  if (keeper_ != nullptr) keeper_->note_read(summary.read_time);
  return summary;
}

}  // namespace pghaul
