// The part of a copy that moves rows: readers and writers at work, and what is looked after meanwhile.
#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "base/log.h"
#include "command/copy_job.h"
#include "command/run_policy.h"
#include "command/unconvertible_rows.h"
#include "sink/pg_sink.h"
#include "source/pg_source.h"

namespace pghaul {
namespace {

constexpr auto housekeeping_interval = std::chrono::seconds(5);
// After a crash of the target that lost acknowledged commits the ledger has pending chunks again.
constexpr int most_rounds_after_losses = 5;

PipelineTable pipeline_table(TableJob& job, TableProgress& progress, const PgCopyOptions& options) {
  PipelineTable table;
  table.ledger = job.ledger.get();
  table.progress = &progress;
  table.name = job.name.display();
  table.key_column = job.key_name();
  table.ordered_key = job.ordered_key.has_value();
  table.plan = options.plan;
  table.bytes = job.facts.bytes;
  table.rows = job.facts.rows;
  table.highest = job.facts.pages;
  if (job.facts.key) {
    table.lowest = job.facts.key->lowest.value_or(0);
    table.highest = job.facts.key->highest.value_or(0);
  }
  return table;
}

// What is held to a rate must not come in a rush either: a tenth of a second's share of each reader.
int receive_buffer(const PgCopyOptions& options) {
  if (!options.max_rate) return 0;
  return static_cast<int>(std::clamp<std::int64_t>(*options.max_rate / most_readers(options) / 10, 16'000, 4'000'000));
}

// What a target forgets is cut or planned again by what it remembers; here it remembers nothing that is left to do.
Error lost_chunks(const TableJob& job) {
  return Error(ErrorKind::failed, "the ledger does not know chunks any more that are not done: the target lost commits that it had "
                                  "acknowledged (a failover?), or somebody removed rows of the ledger")
      .on(Side::target)
      .about(job.name.display())
      .safe("rows and marks of the chunks that it knows are there; of those that it forgot nothing was written")
      .advise("after a failover run the same command again; if rows of the ledger were removed, with --full");
}

std::int64_t expected_bytes(const std::vector<Chunk>& chunks) {
  std::int64_t bytes = 0;
  for (const auto& chunk : chunks) bytes += chunk.estimated_bytes;
  return bytes;
}

}  // namespace

// One that is resumed takes what the source has gained, next.
bool CopyJob::ends_with_this_pass(const TableJob& job) const { return job.action != TableAction::resume || !job.key; }

void CopyJob::move(const std::vector<TableJob*>& jobs, std::vector<std::vector<Chunk>> chunks) {
  std::optional<Error> housekeeping_error;
  std::jthread housekeeper([&, log = LogScope::of_this_thread()](const std::stop_token& done) {
    const LogScope scope(log);
    housekeeping(jobs, done, housekeeping_error);
  });
  for (int round = 0;; ++round) {
    std::vector<PipelineTable> tables;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      auto& progress = progress_.tables[static_cast<std::size_t>(jobs[i] - jobs_.data())];
      progress.bytes_expected = progress.bytes + expected_bytes(chunks[i]);
      tables.push_back(pipeline_table(*jobs[i], progress, options_));
      tables.back().chunks = std::move(chunks[i]);
      if (ends_with_this_pass(*jobs[i])) tables.back().all_done = [this, job = jobs[i]] { finisher_->begin_early(*job); };
    }
    run_pipeline(tables, housekeeping_error);

    bool left = false;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      chunks[i] = jobs[i]->ledger->pending_chunks();
      left = left || !chunks[i].empty();
      if (jobs[i]->ledger->take_forgotten() && chunks[i].empty()) throw lost_chunks(*jobs[i]);
    }
    if (!left || round == most_rounds_after_losses) return;
    log_warning("the target lost commits that it had acknowledged; their chunks are copied again");
  }
}

void CopyJob::run_pipeline(std::vector<PipelineTable>& tables, const std::optional<Error>& housekeeping_error) {
  std::optional<std::int64_t> chunks_left = options_.max_chunks;
  if (chunks_left) {
    for (const auto& table : progress_.tables) *chunks_left -= table.chunks;
  }
  auto pipeline_options = pghaul::pipeline_options(options_, retry_);
  pipeline_options.max_chunks = chunks_left;
  pipeline_options.max_rate = options_.max_rate;
  pipeline_options.stages = stages_.stages();
  Pipeline pipeline(pipeline_options, tables, stop_);
  try {
    const bool all = pipeline.run(
        [&](int reader) -> std::unique_ptr<Source> {
          auto session = sessions_.source_session(fmt::format("reader {}", reader));
          session.receive_buffer = receive_buffer(options_);
          return std::make_unique<PgSource>(sessions_.source(), std::move(session), source_tables_, keeper_.get(),
                                            options_.statement_timeout);
        },
        [&](int writer) -> std::unique_ptr<Sink> {
          return std::make_unique<PgSink>(sessions_.target(), sessions_.writer_session(writer), target_tables_,
                                          control_->ledger_names, options_.statement_timeout);
        },
        [this] { tick(); });
    if (!all) stop_.request(StopReason::paused);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::stopped && housekeeping_error) throw *housekeeping_error;
    if (is_encoding_error(error)) throw explained(error);
    throw;
  }
  stop_.throw_if_requested();
}

Error CopyJob::explained(const Error& error) const {
  for (const auto& job : jobs_) {
    if (job.name.display() != error.object()) continue;
    return with_unconvertible_rows(error, sessions_, options_, control_->ledger_names, job);
  }
  return error;
}

// Keeps the snapshot's anchors alive, and notices when somebody else has become the owner.
void CopyJob::housekeeping(const std::vector<TableJob*>& jobs, const std::stop_token& done,
                           std::optional<Error>& error) {
  auto next = Deadline::after(housekeeping_interval);
  while (!done.stop_requested() && !stop_.requested()) {
    stop_.sleep_for(std::chrono::milliseconds(50));
    if (!next.expired()) continue;
    next = Deadline::after(housekeeping_interval);
    try {
      if (keeper_) keeper_->keep_alive();
      for (auto* job : jobs) job->ledger->check_ownership();
    } catch (const Error& failure) {
      if (failure.kind() == ErrorKind::stopped || failure.retryable()) continue;
      error = failure;
      stop_.request(StopReason::failed);
    }
  }
}

}  // namespace pghaul
