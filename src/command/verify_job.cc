#include "command/verify_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "base/failpoint.h"
#include "base/log.h"
#include "command/check_servers.h"
#include "command/run_policy.h"
#include "command/table_facts.h"
#include "diff/index_check.h"
#include "pg/quote.h"
#include "pg/statement_deadline.h"

namespace pghaul {
namespace {

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
    findings_.clear();
    open_sessions();
    check_servers();
  });
  observer_.findings(warnings_of(findings_));
  refuse_if_any(findings_);
  before_any_write([this] {
    tables_.clear();
    progress_.tables.clear();
    findings_ = warnings_of(findings_);
    inspect();
  });
  refuse_if_any(findings_);
  if (!options_.state.empty()) open_record();
  plan_tables();
  if (options_.seq_scan) check_indexes();
  compare_chunks();
  check_partitions();
  failpoint(fp::rows_before_look);
  find_rows();
  describe_rows();
  failpoint(fp::rows_looked_at);
  if (!options_.state.empty()) remove_record();
  progress_.phase = Phase::finished;
  tick();
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
  const auto deadline = pg::statement_deadline(options_.copy.statement_timeout);
  servers_.source = catalog::read_server_facts(*source_, deadline);
  servers_.target = catalog::read_server_facts(*target_, deadline);
  sessions_.set_encoding(common_encoding(servers_));
  const auto encoding = "SET client_encoding = " + pg::quote_literal(common_encoding(servers_));
  source_->run(encoding, deadline);
  target_->run(encoding, deadline);
  sessions_.expect_servers(servers_.source, servers_.target);
}

void VerifyJob::check_servers() {
  const auto deadline = pg::statement_deadline(options_.copy.statement_timeout);
  const auto& allowed = options_.copy.allowed;
  check_server_and_line(*source_, "source", servers_.source, allowed, deadline, findings_);
  check_server_and_line(*target_, "target", servers_.target, allowed, deadline, findings_);
  check_role(*source_, servers_.source, findings_);
  check_environment(findings_);
  // A server may well be compared with its standby.
  if (is_same_database(servers_.source, servers_.target) && is_one_server(*source_, *target_, deadline)) {
    refuse_same_database(servers_.source, findings_);
  }
}

void VerifyJob::inspect() {
  ComparedServers servers{*source_, *target_, servers_, false, {}, options_.copy.statement_timeout};
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
  failpoint(fp::record_opened);
}

// Done: the next one begins anew. Locked until it is gone, so that nobody goes on with what is over.
void VerifyJob::remove_record() {
  failpoint(fp::record_before_remove);
  std::error_code error;
  std::filesystem::remove(options_.state, error);
  if (error) {
    throw Error(ErrorKind::failed, "cannot remove the file of progress")
        .on(Side::local)
        .about(options_.state)
        .with_errno(error.value())
        .advise("remove it: with it the same command goes on with this comparison, which is over");
  }
  record_.close();
  failpoint(fp::record_removed);
}

void VerifyJob::read_facts(TableJob& job) {
  try_until_done(retry_, &stop_, [&](RetryState& retry) {
    if (!source_->usable()) source_.emplace(sessions_.source(), sessions_.source_session("control"));
    retry.connected();
    read_table_facts(*source_, options_.copy, job, pg::statement_deadline(options_.copy.statement_timeout));
  });
}

void VerifyJob::plan_tables() {
  std::random_device random;
  for (auto& table : tables_) {
    read_facts(table.job);
    plan_for_verify(options_, table, record_.table(samples_.size()));
    // A table of one chunk is no matter of chance.
    const bool one = !table.by_ranges && table.pairs.target_of.empty();
    samples_.emplace_back(one ? std::nullopt : options_.sample, random());
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

// Rows of a partition that came meanwhile were looked for by nobody. On new sessions: those for control may
// have been lost while nobody needed them.
void VerifyJob::check_partitions() {
  for (const auto& table : tables_) {
    if (table.pairs.target_of.empty()) continue;
    LeafPairs now;
    try_until_done(retry_, &stop_, [&](RetryState& retry) {
      pg::Connection source(sessions_.source(), session(Side::source, "partition checker"));
      pg::Connection target(sessions_.target(), session(Side::target, "partition checker"));
      retry.connected();
      now = read_leaf_pairs(source, target, table.job, pg::statement_deadline(options_.copy.statement_timeout));
    });
    if (now.identity() == table.pairs.identity()) continue;
    throw Error(ErrorKind::failed, "partitions were attached or detached while the table was compared")
        .about(table.job.name.display());
  }
}

void VerifyJob::compare_chunks() {
  progress_.phase = Phase::comparing;
  comparison_ = std::make_unique<Comparison>(tables_.size(), record_);
  std::vector<SourceTable> source_tables, target_tables;
  std::vector<PipelineTable> tables;
  std::vector<LeafPairs> pairs;
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    auto& table = tables_[i];
    source_tables.push_back(readable(table.job.source, table.source, table));
    target_tables.push_back(readable(*table.job.target, table.target, table));
    pairs.push_back(table.pairs);
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
            samples_, *comparison_, rate);
      },
      [&](int writer) -> std::unique_ptr<Sink> {
        return std::make_unique<ComparingSink>(
            std::make_unique<PgSource>(sessions_.target(),
                                       session(Side::target, fmt::format("comparer {}", writer)),
                                       target_tables, nullptr, options_.copy.statement_timeout),
            pairs, samples_, *comparison_);
      },
      [this] { tick(); });
}

}  // namespace pghaul
