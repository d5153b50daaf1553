// Copying between users' Databases: the steps of one call, on the same pipeline as every other copy.
#include "pghaul/copy_table.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "command/callback.h"
#include "database/database_session.h"
#include "ledger/range_ledger.h"
#include "pipeline/pipeline.h"
#include "sink/database_sink.h"
#include "source/database_source.h"

namespace pghaul {
namespace {

// Rows of a range that are more than this go to the writer while the rest of them is still being packed.
constexpr std::int64_t batch_bytes = 64'000'000;
constexpr int most_retries = 3;

void require(bool right, const char* text) {
  if (!right) throw Error(ErrorKind::usage, text).on(Side::local);
}

void check(const CopyOptions& options) {
  require(options.batch_size >= 1, "CopyOptions::batch_size must be at least 1");
  require(options.readers >= 1 && options.writers >= 1, "CopyOptions::readers and writers must be at least 1");
  require(options.queue_length >= 1, "CopyOptions::queue_length must be at least 1");
  require(options.max_retries >= 0 && options.max_retries <= most_retries, "CopyOptions::max_retries must be from 0 to 3");
  require(options.widest_range >= 1, "CopyOptions::widest_range must be at least 1");
  require(options.timeout.count() > 0 && options.call_timeout.count() > 0 && options.retry_pause.count() >= 0,
          "times in CopyOptions must be above 0");
}

std::shared_ptr<ProgressStore> store_of(const CopyOptions& options, std::string_view from, std::string_view to) {
  if (options.progress) return options.progress;
  return progress_in_file(encode_name(from) + "-to-" + encode_name(to) + ".pghaul-progress");
}

RetryPolicy retry_policy(const CopyOptions& options) {
  RetryPolicy policy;
  policy.max_retries = options.max_retries;
  policy.first_pause = options.retry_pause;
  policy.losses_are_retries = true;
  return policy;
}

Error id_too_high() {
  return Error(ErrorKind::failed, "max_id() is 2^64 - 1, and no range of ids could end behind it")
      .on(Side::source)
      .safe("nothing was written");
}

Error went_down(std::uint64_t highest, std::uint64_t up_to) {
  return Error(ErrorKind::refused, fmt::format("max_id() is {} now, and ids up to {} were copied", highest, up_to - 1))
      .on(Side::source)
      .safe("nothing was written by this call")
      .advise("if the rows were removed on purpose, call copy_table() with full = true; otherwise see what database this is");
}

// One call of copy_table().
class TableCopy {
 public:
  TableCopy(std::shared_ptr<ConnectionPool> pool, std::string_view from, std::string_view to, const CopyOptions& options)
      : options_(options),
        from_(from),
        to_(to),
        deadline_(Deadline::after(options.timeout)),
        retry_(retry_policy(options)),
        calls_(std::make_shared<DatabaseCalls>(std::move(pool), options.call_timeout, deadline_)),
        ledger_(store_of(options, from, to), options.call_timeout, deadline_) {}

  CopySummary run(bool full);
  // What is told instead of `error`, where there is more to say.
  Error told(const Error& error) const;

 private:
  std::uint64_t highest_id();
  void begin(bool full);
  void clear_target();
  void plan_round();
  void move();
  void tick();
  TableProgressNow now() const;

  const CopyOptions& options_;
  const std::string from_, to_;
  const Deadline deadline_;
  const RetryPolicy retry_;
  const std::shared_ptr<DatabaseCalls> calls_;
  RangeLedger ledger_;
  StopSource stop_;
  TableProgress progress_;
};

CopySummary TableCopy::run(bool full) {
  ledger_.open(copy_record(from_, to_, options_.id_column));
  CopySummary summary;
  summary.resumed = !full && !ledger_.progress().pending().empty();
  begin(full);
  plan_round();
  move();
  summary.done = now();
  summary.up_to = ledger_.progress().up_to();
  summary.generation = ledger_.progress().generation();
  return summary;
}

void TableCopy::begin(bool full) {
  if (full || ledger_.progress().generation() == 0) ledger_.start_generation(full);
  if (!ledger_.progress().clear_first()) return;
  clear_target();
  ledger_.note_cleared();
}

void TableCopy::clear_target() {
  DatabaseSession target(calls_, Side::target, to_);
  try_until_done(retry_, &stop_, [&](RetryState&) { target.clear(); });
}

std::uint64_t TableCopy::highest_id() {
  DatabaseSession source(calls_, Side::source, from_);
  std::uint64_t highest = 0;
  try_until_done(retry_, &stop_, [&](RetryState&) { highest = source.max_id(); });
  if (highest == UINT64_MAX) throw id_too_high();
  return highest;
}

// An empty table has the highest id 0, and so has one with a row of that id: it is looked at in every run.
void TableCopy::plan_round() {
  const auto highest = highest_id();
  const auto before = ledger_.progress().up_to();
  const auto up_to = highest == 0 ? 0 : highest + 1;
  if (up_to < before) throw went_down(highest, before);
  const auto lower = before - std::min(before, options_.look_back);
  if (lower <= highest) ledger_.start_round(up_to, {lower, highest + 1});
}

void TableCopy::move() {
  const auto chunks = ledger_.pending_chunks();
  if (chunks.empty()) return;
  const auto table = std::make_shared<DatabaseTable>(options_.batch_size, options_.widest_range, options_.id_column);
  std::vector<PipelineTable> tables(1);
  tables[0].ledger = &ledger_;
  tables[0].progress = &progress_;
  tables[0].name = from_ + " to " + to_;
  tables[0].key_column = "id";
  tables[0].plan.batch_bytes = batch_bytes;
  tables[0].chunks = chunks;
  PipelineOptions pipeline_options;
  pipeline_options.readers = options_.readers;
  pipeline_options.writers = options_.writers;
  pipeline_options.queue_length = options_.queue_length;
  pipeline_options.retry = retry_;
  Pipeline pipeline(pipeline_options, tables, stop_);
  pipeline.run([&](int) { return std::make_unique<DatabaseSource>(calls_, from_, table); },
               [&](int) { return std::make_unique<DatabaseSink>(calls_, to_, ledger_, options_.batch_size); },
               [this] { tick(); });
}

TableProgressNow TableCopy::now() const {
  const auto count = [](const std::atomic<std::int64_t>& number) { return static_cast<std::uint64_t>(number.load()); };
  return {count(progress_.rows), count(progress_.chunks), count(progress_.retries)};
}

void TableCopy::tick() {
  if (deadline_.expired()) stop_.request(StopReason::deadline);
  if (options_.stop.stop_requested()) stop_.request(StopReason::signal);
  if (options_.on_progress) call_back("CopyOptions::on_progress", [&] { options_.on_progress(now()); });
}

// When the time of the whole is over that is the reason; what failed or hung at its end is told with it.
Error TableCopy::told(const Error& error) const {
  const bool late = stop_.reason() == StopReason::deadline || (deadline_.expired() && error.kind() == ErrorKind::failed);
  const bool asked = options_.stop.stop_requested() && error.kind() == ErrorKind::stopped;
  if (!late && !asked) return error;
  const std::string_view reason = asked ? "stopped as was asked" : "the time given for the whole copy is over";
  auto cause = calls_->hung();
  if (!cause && error.kind() == ErrorKind::failed) cause = error;
  Error stopped(ErrorKind::stopped, cause ? fmt::format("{}: {}", reason, cause->what()) : std::string(reason));
  if (cause) stopped.on(cause->side()).about(cause->object()).in_range(cause->range());
  return stopped.safe("what was saved and recorded stays").advise("call copy_table() again with full = false: it goes on");
}

struct Borrowed {
  void operator()(ConnectionPool*) const {}
};

}  // namespace

CopySummary copy_table(std::shared_ptr<ConnectionPool> pool, std::string_view from, std::string_view to, bool full,
                       const CopyOptions& options) {
  const LogScope silence(nullptr);
  check(options);
  require(pool != nullptr, "copy_table() needs a pool");
  TableCopy copy(std::move(pool), from, to, options);
  try {
    return copy.run(full);
  } catch (const Error& error) {
    throw copy.told(error);
  }
}

CopySummary copy_table(ConnectionPool& pool, std::string_view from, std::string_view to, bool full,
                       const CopyOptions& options) {
  return copy_table(std::shared_ptr<ConnectionPool>(&pool, Borrowed()), from, to, full, options);
}

}  // namespace pghaul
