#include "command/ledger_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "command/check_servers.h"
#include "command/record_format.h"
#include "command/run_policy.h"
#include "diff/chunk_list.h"
#include "pg/quote.h"
#include "source/pg_source.h"

namespace pghaul {
namespace {

Error refused(const catalog::TableName& name, const std::string& text, const std::string& advice) {
  return Error(ErrorKind::refused, text)
      .on(Side::target)
      .about(name.display())
      .safe("nothing was written")
      .advise(advice);
}

Error may_not_read(const std::string& object, std::string_view what, const std::vector<std::string>& grants) {
  return Error(ErrorKind::refused, fmt::format("this role may not read the {} [SQLSTATE 42501]", what))
      .on(Side::target)
      .about(object)
      .safe("nothing was written")
      .advise(fmt::format("on the target: {}", fmt::join(grants, "; ")));
}

constexpr auto ask_the_source = "compare with the source instead: pghaul verify without --from-ledger";

// Sums of chunks that say nothing of the rows by now.
void refuse_overtaken(const catalog::TableName& name, const RecordedCopy& copy,
                      const std::vector<FinishedChunk>& chunks) {
  if (!copy.complete)
    throw refused(name, "its copy is not complete", "let the copy finish; pghaul status tells how far it is");
  if (copy.merged) {
    throw refused(name, "it was copied with --on-conflict: it may hold rows of others", ask_the_source);
  }
  const bool late = std::ranges::any_of(chunks, [](const FinishedChunk& each) {
    return each.chunk.range.kind == ChunkKind::late && each.summary.rows > 0;
  });
  if (late) {
    throw refused(name, "late rows replaced some of those that the checksums are of", ask_the_source);
  }
}

// All that was recorded, as one chunk.
FinishedChunk sum_of(const std::vector<FinishedChunk>& chunks) {
  FinishedChunk all;
  all.chunk.no = 1;
  all.chunk.refined = true;
  for (const auto& each : chunks) {
    all.summary.rows += each.summary.rows;
    all.summary.bytes += each.summary.bytes;
    all.summary.checksum.add(each.summary.checksum);
  }
  all.chunk.estimated_bytes = all.summary.bytes;
  return all;
}

// Only of keys whose order depends on no collation can it be said that they are ordered here as they were
// there.
bool orders_everywhere(const catalog::OrderedKey& key) {
  return std::ranges::all_of(key.columns, [](const auto& column) {
    return column.collation.empty() || column.collation == " COLLATE pg_catalog.\"C\"";
  });
}

// Whether ranges of the recorded chunks can be read here; sets what they are ranges of.
bool can_read_ranges(SourceTable& rows, const catalog::TableShape& shape, const RecordedCopy& copy,
                     const std::vector<FinishedChunk>& chunks) {
  const bool ranges = std::ranges::all_of(chunks, [](const FinishedChunk& each) {
    const auto kind = each.chunk.range.kind;
    return (kind == ChunkKind::key || kind == ChunkKind::null) && !each.chunk.range.member;
  });
  if (!ranges || copy.key.empty()) return false;
  if (!shape.range_index(copy.key).empty()) {
    rows.key_column = copy.key;
    return true;
  }
  for (const auto& key : shape.ordered_keys) {
    if (key.identity() != copy.key || !orders_everywhere(key)) continue;
    rows.ordered_key = key;
    return true;
  }
  return false;
}

}  // namespace

LedgerCheck::LedgerCheck(const VerifyOptions& options, StopSource& stop, CopyObserver& observer)
    : options_(options),
      stop_(stop),
      observer_(observer),
      started_(Deadline::Clock::now()),
      sessions_(options_.copy, stop),
      retry_(retry_policy(options.copy)),
      names_(options.copy.ledger_schema) {
  sessions_.set_losses(retry_.losses);
}

void LedgerCheck::run() {
  before_any_write([this] {
    tables_.clear();
    recorded_.clear();
    findings_.clear();
    progress_.tables.clear();
    inspect();
  });
  observer_.findings(warnings_of(findings_));
  compare();
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    auto& report = tables_[i].report;
    report.differences = static_cast<std::int64_t>(changed_.chunks[i].size());
    report.state = report.differences > 0 ? "different" : "equal";
    for (const auto& each : changed_.chunks[i]) {
      if (static_cast<std::int64_t>(report.ranges.size()) == options_.limit) break;
      const auto& rows = tables_[i].rows;
      const auto key = rows.ordered_key ? rows.ordered_key->display() : rows.key_column;
      report.ranges.push_back({describe(each.chunk.range, key), each.recorded_rows, each.rows});
    }
  }
  progress_.phase = Phase::finished;
  observer_.tick(values_of(progress_));
}

void LedgerCheck::inspect() {
  target_.emplace(sessions_.target(), sessions_.target_reader_session("control"));
  const auto facts = catalog::read_server_facts(*target_, deadline());
  sessions_.expect_servers(facts, facts);
  check_server_and_line(*target_, "target", facts, options_.copy.allowed, deadline(), findings_);
  check_environment(findings_);
  refuse_if_any(findings_);
  const auto grants = missing_ledger_grants(*target_, names_, deadline());
  if (!grants.empty()) throw may_not_read(names_.schema(), "ledger", grants);
  if (!ledger_exists(*target_, names_, deadline())) {
    throw Error(ErrorKind::refused, "there is no ledger of copies on this target")
        .on(Side::target)
        .about(names_.schema())
        .safe("nothing was written")
        .advise("give its --ledger-schema, or compare with the source");
  }
  for (const auto& text : options_.copy.tables) {
    auto& table = tables_.emplace_back();
    table.name = catalog::parse_table_name(text);
    table.report.source_table = table.report.target_table = table.name.display();
    progress_.tables.emplace_back().name = table.name.display();
    inspect_table(table);
  }
}

RecordedCopy LedgerCheck::find_copy(const Table& table) {
  const auto copies = read_copies_into(*target_, names_, table.name.display(), options_.copy.where_sql,
                                       fmt::format("{}", fmt::join(options_.copy.columns, ",")), deadline());
  if (copies.empty()) {
    throw refused(table.name,
                  "the ledger knows no copy into this table with this --where and these --columns",
                  "see pghaul status --target URI");
  }
  if (copies.size() > 1) {
    throw refused(table.name,
                  fmt::format("{} copies from other databases went into this table", copies.size()),
                  ask_the_source);
  }
  return copies.front();
}

void LedgerCheck::inspect_table(Table& table) {
  const auto copy = find_copy(table);
  auto recorded = read_finished_chunks(*target_, names_, copy, deadline());
  refuse_overtaken(table.name, copy, recorded);
  std::erase_if(recorded, [](const FinishedChunk& each) { return each.chunk.range.kind == ChunkKind::late; });
  const auto shape = catalog::read_table_shape(*target_, table.name, deadline());
  if (!shape)
    throw refused(table.name, "there is no such table on the target any more [SQLSTATE 42P01]",
                  "copy it anew: --full");
  const auto grants = catalog::missing_source_grants(*target_, *shape, options_.copy.columns, deadline());
  if (!grants.empty()) throw may_not_read(table.name.display(), "table", grants);
  table.shape = *shape;
  choose_chunks(table, copy, std::move(recorded));
}

void LedgerCheck::choose_chunks(Table& table, const RecordedCopy& copy, std::vector<FinishedChunk> recorded) {
  std::optional<RecordFormat> format;
  for (const auto& each : recorded) {
    const auto& text = each.summary.record_format;
    if (text != recorded.front().summary.record_format) {
      throw refused(table.name, "its chunks were written down in several ways", ask_the_source);
    }
  }
  if (!recorded.empty()) {
    format = parse_record_format(recorded.front().summary.record_format, table.shape.column_names());
    if (!format) {
      throw refused(table.name,
                    fmt::format("its rows were recorded as {}, which this table cannot give any more",
                                recorded.front().summary.record_format),
                    ask_the_source);
    }
  }
  auto& rows = table.rows;
  rows.shape = table.shape;
  rows.columns = format ? format->columns : table.shape.column_names();
  rows.binary = format && format->binary;
  sessions_.set_encoding(format ? format->encoding : "UTF8");
  const bool ranges = can_read_ranges(rows, table.shape, copy, recorded);
  if (!ranges) recorded = {sum_of(recorded)};
  table.report.strategy =
      ranges ? fmt::format("as it was copied: {} ranges", recorded.size())
             : "as a whole: what was copied is no range of an order that is the same everywhere";
  table.report.equality =
      fmt::format("the rows that copy {} recorded, from {}", copy.table_copy, copy.source_database);
  auto& known = recorded_.emplace_back();
  for (auto& each : recorded) {
    table.chunks.push_back(each.chunk);
    known.emplace(each.chunk.no, std::move(each.summary));
  }
}

// A chunk can be compared only as it was recorded, however long that takes.
pg::SessionOptions LedgerCheck::session(int writer) const {
  auto session = sessions_.target_reader_session(fmt::format("comparer {}", writer));
  session.settings.emplace_back("statement_timeout", "0");
  return session;
}

void LedgerCheck::compare() {
  progress_.phase = Phase::comparing;
  changed_.chunks.resize(tables_.size());
  changed_.rows.resize(tables_.size());
  std::vector<SourceTable> source_tables;
  std::vector<PipelineTable> tables;
  std::deque<ChunkList> lists;
  ComparisonRecord unrecorded;
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    auto& table = tables_[i];
    source_tables.push_back(table.rows);
    PipelineTable each;
    each.ledger = &lists.emplace_back(unrecorded, i);
    each.progress = &progress_.tables[i];
    each.name = table.name.display();
    each.key_column = table.rows.ordered_key ? table.rows.ordered_key->display() : table.rows.key_column;
    each.ordered_key = table.rows.ordered_key.has_value();
    each.plan = options_.copy.plan;
    each.chunks = table.chunks;
    for (const auto& chunk : table.chunks) progress_.tables[i].bytes_expected += chunk.estimated_bytes;
    tables.push_back(std::move(each));
  }
  auto pipeline_options = pghaul::pipeline_options(options_.copy, retry_);
  pipeline_options.readers = 1;
  RateLimiter rate(options_.copy.max_rate, stop_);
  Pipeline pipeline(pipeline_options, tables, stop_);
  pipeline.run([&](int) -> std::unique_ptr<Source> { return std::make_unique<RecordSource>(recorded_); },
               [&](int writer) -> std::unique_ptr<Sink> {
                 return std::make_unique<ChecksumSink>(
                     std::make_unique<PgSource>(sessions_.target(), session(writer), source_tables, nullptr,
                                                options_.copy.timeout),
                     changed_, rate);
               },
               [this] { observer_.tick(values_of(progress_)); });
}

VerifyReport LedgerCheck::report() const {
  VerifyReport report;
  report.from_ledger = true;
  report.findings = findings_;
  report.time = std::chrono::duration_cast<std::chrono::milliseconds>(Deadline::Clock::now() - started_);
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    auto table = tables_[i].report;
    table.source_rows = progress_.tables[i].rows;
    table.target_rows = i < changed_.rows.size() ? changed_.rows[i] : 0;
    table.bytes = progress_.tables[i].bytes;
    table.chunks = progress_.tables[i].chunks;
    table.retries = progress_.tables[i].retries;
    report.tables.push_back(std::move(table));
  }
  return report;
}

}  // namespace pghaul
