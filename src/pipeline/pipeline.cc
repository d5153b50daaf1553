#include "pipeline/pipeline.h"

#include <algorithm>
#include <functional>
#include <new>
#include <numeric>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "base/activity.h"
#include "base/log.h"
#include "base/sqlstate.h"
#include "base/thread_error.h"

namespace pghaul {
namespace {

constexpr auto tuning_interval = std::chrono::milliseconds(100);

Error safe_so_far(Error error) {
  if (error.what_is_safe().empty()) error.safe("every chunk finished before is kept with its mark in the ledger");
  return error;
}

// What follows the rows of a large table takes long, too, and should not be waited for alone in the end.
std::vector<std::size_t> largest_first(const std::vector<PipelineTable>& tables) {
  std::vector<std::size_t> order(tables.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return tables[i].bytes; });
  return order;
}

}  // namespace

Pipeline::Pipeline(PipelineOptions options, std::vector<PipelineTable>& tables, StopSource& stop)
    : options_(std::move(options)),
      tables_(tables),
      stop_(stop),
      chunks_(stop, options_.max_chunks),
      batches_(options_.queue_length, stop),
      rate_(options_.max_rate, stop),
      reading_(options_.readers, stop),
      writing_(options_.writers, stop),
      stages_(options_.stages != nullptr ? options_.stages : options_.max_workers ? &own_stages_ : nullptr),
      tuner_({options_.readers, options_.writers}, {options_.most_readers(), options_.most_writers()}) {
  for (const auto i : largest_first(tables_)) {
    for (const auto& chunk : tables_[i].chunks) {
      chunks_.add(std::make_shared<ChunkTask>(i, chunk, options_.retry));
    }
    tables_[i].progress->chunks_pending = static_cast<std::int64_t>(tables_[i].chunks.size());
  }
}

// The first error of any thread stops all; what fails after a stop is a consequence and is not told.
void Pipeline::run_thread(const std::function<void()>& body) noexcept {
  std::optional<Error> failure;
  try {
    body();
  } catch (const Error& error) {
    failure = error;
  } catch (const std::bad_alloc&) {
    failure = safe_so_far(Error(ErrorKind::failed, "out of memory on this machine").on(Side::local))
                  .advise("lower --readers, --writers or --batch-bytes, or give pghaul more memory, and run the same "
                          "command again");
  } catch (const std::exception& error) {
    failure = safe_so_far(Error(ErrorKind::failed, error.what()).on(Side::local))
                  .advise("run the same command again; if it stays, report it");
  } catch (...) {  // a callback of a program that uses the library
    failure = safe_so_far(Error(ErrorKind::failed, "something was thrown that is no exception").on(Side::local))
                  .advise("look at what the program throws");
  }
  if (!failure) return;
  const std::lock_guard lock(error_mutex_);
  if (!stop_.requested() && failure->kind() != ErrorKind::stopped) first_error_ = failure;
  stop_.request(StopReason::failed);
}

void Pipeline::tune() {
  const auto now = Deadline::Clock::now();
  if (!options_.max_workers || now < tuned_ + tuning_interval) return;
  const auto readers = stages_->times(Stage::reading), writers = stages_->times(Stage::writing);
  if (tuned_ != Deadline::Clock::time_point()) {
    const std::chrono::duration<double> span = now - tuned_;
    const auto wanted = tuner_.next(sample_of(readers.since(readers_before_), writers.since(writers_before_), span.count()));
    reading_.want(wanted.readers);
    writing_.want(wanted.writers);
  }
  tuned_ = now;
  readers_before_ = readers;
  writers_before_ = writers;
}

bool Pipeline::run(const SourceFactory& make_source, const SinkFactory& make_sink, const std::function<void()>& tick) {
  std::vector<std::unique_ptr<Source>> sources;
  std::vector<std::unique_ptr<Sink>> sinks;
  for (int i = 0; i < options_.most_readers(); ++i) sources.push_back(make_source(i + 1));
  for (int i = 0; i < options_.most_writers(); ++i) sinks.push_back(make_sink(i + 1));

  std::atomic<int> readers_left{options_.most_readers()}, threads_left{0};
  std::vector<std::jthread> threads;
  const auto start = [&](Stage stage, const std::function<void()>& body) {
    ++threads_left;
    auto* const clock = stages_ == nullptr ? nullptr : &stages_->clock(stage, threads.size());
    try {
      threads.emplace_back([&threads_left, body, clock, log = LogScope::of_this_thread()] {
        const LogScope scope(log);
        {
          const ActivityScope counting(clock);
          body();
        }
        --threads_left;
      });
    } catch (const std::system_error& error) {
      --threads_left;
      run_thread([&] { throw no_thread_error(error); });  // stops those that run
    }
  };
  for (auto& source : sources) {
    start(Stage::reading, [&, reader = source.get()] {
      run_thread([&] { read_loop(*reader); });
      if (--readers_left == 0) batches_.close();
    });
  }
  for (auto& sink : sinks) {
    start(Stage::writing, [&, writer = sink.get()] { run_thread([&] { write_loop(*writer); }); });
  }
  while (threads_left > 0) {
    run_thread(tick);
    tune();
    std::this_thread::sleep_for(std::chrono::milliseconds(threads_left > 0 ? 20 : 0));
  }
  threads.clear();
  run_thread(tick);

  const std::lock_guard lock(error_mutex_);
  if (first_error_) throw *first_error_;
  stop_.throw_if_requested();
  return !chunks_.limit_reached();
}

// One that was at work counts as gone then. The last one stays.
bool Pipeline::may_leave(std::atomic<int>& connected, bool again) {
  if (!again) return connected > 0;
  int now = connected;
  while (now > 1) {
    if (connected.compare_exchange_weak(now, now - 1)) return true;
  }
  return false;
}

bool Pipeline::connect(const std::function<void()>& open, std::atomic<int>& connected, std::string_view kind, bool again) {
  bool opened = true;
  const Doing connecting(Activity::connecting);
  try {
    try_until_done(options_.retry, &stop_, [&](RetryState&) {
      try {
        open();
      } catch (const Error& error) {
        if (error.sqlstate() != sqlstate::too_many_connections || !may_leave(connected, again)) throw;
        log_warning("{}; going on with fewer {}", error.headline(), kind);
        opened = false;
        options_.retry.note_connected(error.side());  // others are at work: a loss noted while there were none is over
      }
    });
  } catch (const Error& error) {
    throw safe_so_far(error);
  }
  if (opened && !again) ++connected;
  return opened;
}

Error Pipeline::located(Error error, const ChunkTaskPtr& task) const {
  const auto& table = tables_[task->table];
  if (error.kind() == ErrorKind::stopped) return error;
  if (error.object().empty()) error.about(table.name);
  if (error.range().empty()) error.in_range(describe(task->chunk.range, table.key_column));
  if (error.what_is_safe().empty()) {
    error.safe("every chunk finished before is kept with its mark in the ledger; of this one nothing was written");
  }
  if (error.advice().empty()) error.advise("mend the cause and run the same command again (without --full)");
  return error;
}

void Pipeline::stop_if_permanent(const Error& error, const ChunkTaskPtr& task) noexcept {
  if (!error.retryable()) run_thread([&] { throw located(error, task); });
}

void Pipeline::pause_or_give_up(const ChunkTaskPtr& task, const Error& error) {
  if (error.kind() == ErrorKind::stopped) throw error;
  const Doing pausing(Activity::retry);
  const auto place = located(error, task);
  // The time counts from the failure: noting it may take long, where the target is what was lost.
  const auto pause = task->retry.after(place, Deadline::Clock::now());
  tables_[task->table].ledger->note_failed_attempt(task->chunk, place.headline());
  ++task->chunk.failed_attempts;
  if (!pause) throw task->retry.final_error();
  ++tables_[task->table].progress->retries;
  log_warning("{}; trying again", place.headline());
  if (!stop_.sleep_for(*pause)) stop_.throw_if_requested();
}

std::int64_t Pipeline::batch_rows(const PipelineTable& table) const {
  const auto rows = table.progress->rows.load();
  if (rows < 100) return rows_per_batch(table.bytes, table.rows, table.plan);
  return rows_per_batch(table.progress->bytes.load(), static_cast<double>(rows), table.plan);
}

}  // namespace pghaul
