#include "command/verify_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "base/log.h"
#include "command/run_policy.h"
#include "command/table_facts.h"
#include "diff/index_check.h"
#include "pg/quote.h"

namespace pghaul {
namespace {

constexpr auto nothing_written = "nothing is written anywhere; what was compared says nothing of the rest";

// Both sides must say the same bytes for the same character. Where one has no encoding, bytes are taken as
// they are.
std::string common_encoding(const Servers& servers) {
  const bool raw = servers.source.encoding == "SQL_ASCII" || servers.target.encoding == "SQL_ASCII";
  return raw ? "SQL_ASCII" : "UTF8";
}

SourceTable readable(const catalog::TableShape& shape, const ComparedTable& side, const VerifyTable& table) {
  SourceTable source;
  source.shape = shape;
  source.columns = table.job.columns;
  source.key_column = side.key_column;
  source.where_sql = side.where_sql;
  source.ordered_key = side.ordered_key;
  // Of a range that differs, the buckets are asked for later.
  source.query = [side, buckets = table.by_ranges ? 1 : side.buckets](const ChunkRange& range) {
    return digest_sql(side, range, buckets);
  };
  return source;
}

PipelineTable pipeline_table(VerifyTable& table, TableProgress& progress, const PgCopyOptions& options) {
  PipelineTable each;
  each.ledger = &table.list;
  each.progress = &progress;
  each.name = table.job.name.display();
  each.key_column = table.job.key_name();
  each.ordered_key = table.job.ordered_key.has_value();
  each.plan = options.plan;
  each.bytes = table.job.facts.bytes;
  each.rows = table.job.facts.rows;
  if (table.job.facts.key) {
    each.lowest = table.job.facts.key->lowest.value_or(0);
    each.highest = table.job.facts.key->highest.value_or(0);
  }
  each.chunks = table.chunks;
  return each;
}

}  // namespace

VerifyJob::VerifyJob(const VerifyOptions& options, StopSource& stop, CopyObserver& observer)
    : options_(options),
      stop_(stop),
      observer_(observer),
      started_(Deadline::Clock::now()),
      sessions_(options_.copy, stop),
      retry_(retry_policy(options.copy)),
      stages_(options.copy.stats) {
  sessions_.set_losses(retry_.losses);
}

void VerifyJob::run() {
  before_any_write([this] {
    tables_.clear();
    findings_.clear();
    progress_.tables.clear();
    open_sessions();
    inspect();
  });
  observer_.findings(warnings_of(findings_));
  refuse_if_any(findings_);
  if (!options_.state.empty()) open_record();
  plan_tables();
  if (options_.seq_scan) check_indexes();
  compare_chunks();
  find_rows();
  describe_rows();
  // Done: the next one begins anew.
  record_.close();
  if (!options_.state.empty()) std::filesystem::remove(options_.state);
  progress_.phase = Phase::finished;
  tick();
}

void VerifyJob::complete(Error& error) const {
  if (error.kind() == ErrorKind::usage || error.kind() == ErrorKind::refused)
    return sessions_.complete(error);
  error.safe(nothing_written);
  // Sources that are read for a copy tell how that goes on.
  if (error.advice().empty() || error.advice().find("--full") != std::string::npos) {
    error.advise("mend the cause and run the same command again");
  }
  sessions_.complete(error);
}

void VerifyJob::tick() {
  auto progress = values_of(progress_);
  if (progress_.phase == Phase::comparing) {
    stages_.look(*source_, *target_);
    progress.limit = stages_.recent_limit();
  }
  observer_.tick(progress);
}

void VerifyJob::open_sessions() {
  source_.emplace(sessions_.source(), sessions_.source_session("control"));
  target_.emplace(sessions_.target(), sessions_.target_reader_session("control"));
  const auto deadline = Deadline::after(options_.copy.statement_timeout);
  servers_.source = catalog::read_server_facts(*source_, deadline);
  servers_.target = catalog::read_server_facts(*target_, deadline);
  sessions_.set_encoding(common_encoding(servers_));
  const auto encoding = "SET client_encoding = " + pg::quote_literal(common_encoding(servers_));
  source_->run(encoding, deadline);
  target_->run(encoding, deadline);
  sessions_.expect_servers(servers_.source, servers_.target);
}

void VerifyJob::inspect() {
  ComparedServers servers{*source_, *target_, servers_, false, {}, {}, options_.copy.statement_timeout};
  servers.source_locale = read_locale(*source_, servers.deadline());
  servers.target_locale = read_locale(*target_, servers.deadline());
  servers.portable_hash = source_->run(hash_probe_sql(), servers.deadline()).text(0, 0) !=
                          target_->run(hash_probe_sql(), servers.deadline()).text(0, 0);
  for (const auto& text : options_.copy.tables) {
    auto& table = tables_.emplace_back(record_, tables_.size());
    table.job.name = catalog::parse_table_name(text);
    table.report.source_table = table.report.target_table = table.job.name.display();
    progress_.tables.emplace_back().name = table.job.name.display();
    inspect_for_verify(servers, options_, table, findings_);
  }
}

void VerifyJob::open_record() {
  auto identity =
      fmt::format("{} {} / {} {}{}{}", servers_.source.system_identifier, servers_.source.database,
                  servers_.target.system_identifier, servers_.target.database,
                  options_.counts ? " counts" : "", options_.seq_scan ? " without indexes" : "");
  for (const auto& table : tables_) identity += "; " + identity_of(table);
  record_.open(progress_in_file(options_.state), identity);
}

void VerifyJob::plan_tables() {
  ComparedServers servers{*source_, *target_, servers_, false, {}, {}, options_.copy.statement_timeout};
  std::random_device random;
  for (auto& table : tables_) {
    plan_for_verify(servers, options_, table, record_.table(samples_.size()));
    // A table of one chunk is no matter of chance.
    samples_.emplace_back(table.by_ranges ? options_.sample : std::nullopt, random());
  }
}

pg::SessionOptions VerifyJob::session(Side side, const std::string& role) const {
  auto options =
      side == Side::source ? sessions_.source_session(role) : sessions_.target_reader_session(role);
  if (!options_.seq_scan) return options;
  for (auto& setting : settings_without_indexes()) options.settings.push_back(std::move(setting));
  return options;
}

void VerifyJob::check_index_of(Side side, VerifyTable& table) {
  const auto& index = side == Side::source ? table.source_index : table.target_index;
  if (index.empty()) return;
  const auto& endpoint = side == Side::source ? sessions_.source() : sessions_.target();
  const auto& compared = side == Side::source ? table.source : table.target;
  std::vector<SuspectedRange> found;
  try_until_done(retry_, &stop_, [&](RetryState& retry) {
    pg::Connection connection(endpoint, session(side, "index checker"));
    retry.connected();
    found = check_index(connection, compared, table.index_ranges);
  });
  for (auto& each : found) {
    table.report.suspected_indexes.push_back(
        {side, index, std::move(each.range), each.by_index, each.in_table});
  }
}

void VerifyJob::check_indexes() {
  progress_.phase = Phase::checking_indexes;
  for (auto& table : tables_) {
    for (const auto side : {Side::source, Side::target}) {
      tick();
      check_index_of(side, table);
    }
  }
}

void VerifyJob::compare_chunks() {
  progress_.phase = Phase::comparing;
  comparison_ = std::make_unique<Comparison>(tables_.size(), record_);
  std::vector<SourceTable> source_tables, target_tables;
  std::vector<PipelineTable> tables;
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    auto& table = tables_[i];
    source_tables.push_back(readable(table.job.source, table.source, table));
    target_tables.push_back(readable(*table.job.target, table.target, table));
    tables.push_back(pipeline_table(table, progress_.tables[i], options_.copy));
    progress_.tables[i].bytes_expected = table.job.facts.bytes;
  }
  RateLimiter rate(options_.copy.max_rate, stop_);
  auto pipeline_options = pghaul::pipeline_options(options_.copy, retry_);
  pipeline_options.stages = stages_.stages();
  Pipeline pipeline(pipeline_options, tables, stop_);
  pipeline.run(
      [&](int reader) -> std::unique_ptr<Source> {
        return std::make_unique<DigestSource>(
            std::make_unique<PgSource>(sessions_.source(),
                                       session(Side::source, fmt::format("reader {}", reader)), source_tables,
                                       nullptr, options_.copy.statement_timeout),
            samples_, rate);
      },
      [&](int writer) -> std::unique_ptr<Sink> {
        return std::make_unique<ComparingSink>(
            std::make_unique<PgSource>(sessions_.target(),
                                       session(Side::target, fmt::format("comparer {}", writer)),
                                       target_tables, nullptr, options_.copy.statement_timeout),
            samples_, *comparison_);
      },
      [this] { tick(); });
}

}  // namespace pghaul
