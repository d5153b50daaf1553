// What a reader does: claim, cut, read.
#include <utility>

#include <fmt/format.h>

#include "base/activity.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/sqlstate.h"
#include "pipeline/even_cuts.h"
#include "pipeline/pipeline.h"

namespace pghaul {
namespace {

// Ranges are probed in quarters of a batch, so that a range somewhat above the batch size is cut into even pieces and
// not into a full one and a crumb.
constexpr int steps_per_batch = 4;
constexpr int most_steps = 16 * steps_per_batch;

// A standby's recovery ended what stood in its way: a snapshot, or a page in use. Shorter reads are met less often.
// A primary has neither code for read-only transactions, but for a deadlock, where a shorter read does no harm.
bool met_recovery(const Error& error) {
  return error.side() == Side::source &&
         (error.sqlstate() == sqlstate::serialization_failure || error.sqlstate() == sqlstate::deadlock_detected);
}

// A key range that was not probed yet would be cut by a guess.
bool may_be_halved(const Chunk& chunk) { return chunk.refined || chunk.range.kind != ChunkKind::key; }

// Each row travels as a message with a header of its own.
constexpr std::int64_t header_bytes = 5;

// Holds the reader to the job's rate; asks the limiter once per piece.
class RateLimited : public BatchReceiver {
 public:
  RateLimited(BatchReceiver& next, RateLimiter& rate) : next_(next), rate_(rate) {}

  void write(std::string_view bytes) override {
    passed_ += static_cast<std::int64_t>(bytes.size()) + header_bytes;
    if (passed_ >= rate_.piece()) rate_.pass(std::exchange(passed_, 0));
    next_.write(bytes);
  }
  void hurry(Deadline latest) override { next_.hurry(latest); }
  void finish() { rate_.pass(std::exchange(passed_, 0)); }

 private:
  BatchReceiver& next_;
  RateLimiter& rate_;
  std::int64_t passed_ = 0;
};

}  // namespace

void Pipeline::read_loop(Source& source) {
  WorkPlace place(reading_);
  if (!place.take() || !connect([&] { source.connect(); }, connected_readers_, "readers", false)) return;
  while (place.take()) {
    const auto task = chunks_.claim();
    if (!task) return reading_.close();
    if (!read_task(source, task)) return;
    if (options_.sleep <= Duration::zero()) continue;
    const Doing sleeping(Activity::sleep);
    stop_.sleep_for(options_.sleep);
  }
}

bool Pipeline::read_task(Source& source, const ChunkTaskPtr& task) {
  try {
    failpoint(fp::chunk_claimed);
    if (!connect([&] { source.connect(); }, connected_readers_, "readers", true)) {
      chunks_.give_back(task);
      return false;
    }
    task->retry.connected();
    if (task->halve && may_be_halved(task->chunk) && halve(source, task)) return true;
    if (refine(source, task)) return true;
    read_batch(source, task);
  } catch (const Error& error) {
    const bool too_long = (error.sqlstate() == sqlstate::query_canceled || met_recovery(error)) && can_be_cut(task->chunk.range);
    pause_or_give_up(task, error);
    task->halve = too_long;
    chunks_.give_back(task);
  }
  return true;
}

// Cuts a coarse range into chunks near the batch size, whatever the statistics said. True: it was cut.
bool Pipeline::refine(Source& source, const ChunkTaskPtr& task) {
  auto& chunk = task->chunk;
  if (chunk.refined || chunk.range.kind != ChunkKind::key) return false;
  if (const auto cut = source.cut_range(task->table, chunk)) return cut_up(task, *cut);
  const auto& table = tables_[task->table];
  const auto rows = batch_rows(table);
  // Where a probe was ended before, the next one ends where the first batch does.
  const int most = task->halve ? steps_per_batch : most_steps;
  std::vector<std::string> steps;
  try {
    steps = source.probe_cuts(task->table, chunk, std::max<std::int64_t>(1, rows / steps_per_batch), most);
  } catch (const Error& error) {
    if (error.sqlstate() != sqlstate::query_canceled) throw;
    log_warning("{}: probing {} took longer than --statement-timeout; reading it as one chunk", table.name,
                describe(chunk.range, table.key_column));
  }
  const bool complete = std::cmp_less(steps.size(), most);
  const auto cuts = even_cuts(steps, steps_per_batch, complete);
  chunk.refined = true;
  if (cuts.empty()) return false;
  auto children = split_at(chunk, cuts);
  for (auto& child : children) {
    child.refined = complete || &child != &children.back();
    if (!child.refined) continue;
    child.estimated_rows = rows;
    child.estimated_bytes = std::min(table.plan.batch_bytes, chunk.estimated_bytes);
  }
  store_children(task, std::move(children));
  return true;
}

bool Pipeline::cut_up(const ChunkTaskPtr& task, const RangeCut& cut) {
  task->chunk.refined = true;
  if (cut.cuts.empty()) return false;
  auto children = split_at(task->chunk, cut.cuts);
  if (cut.rest_is_coarse) children.back().refined = false;
  store_children(task, std::move(children));
  return true;
}

// A cut near the middle of the chunk's rows, and from it a better estimate of their number. The old one may be far too
// high, or missing: probes get shorter until one finds a key. A chunk of one row has none.
std::vector<std::string> Pipeline::probe_half(Source& source, ChunkTask& task) {
  auto& chunk = task.chunk;
  if (chunk.estimated_rows < 2) chunk.estimated_rows = batch_rows(tables_[task.table]);
  for (;;) {
    const auto rows = std::max<std::int64_t>(1, chunk.estimated_rows / 2);
    chunk.estimated_rows = 2 * rows;
    auto cuts = source.probe_cuts(task.table, chunk, rows, 1);
    if (!cuts.empty() || rows == 1) return cuts;
    chunk.estimated_rows = rows;
  }
}

// Where there is no probe, or it takes too long itself, it is the middle of a range of numbers.
std::vector<std::string> Pipeline::half_cut(Source& source, ChunkTask& task) {
  try {
    if (task.chunk.range.kind == ChunkKind::key) return probe_half(source, task);
  } catch (const Error& error) {
    if (error.sqlstate() != sqlstate::query_canceled) throw;
  }
  const auto& table = tables_[task.table];
  // Of other keys nobody but the source knows the middle.
  if (table.ordered_key && task.chunk.range.kind == ChunkKind::key) return {};
  const auto middle = midpoint(task.chunk.range, table.lowest, table.highest);
  return middle ? std::vector{*middle} : std::vector<std::string>();
}

// The chunk took longer than the statement timeout, or than recovery lets a standby's readers: half of it may not.
bool Pipeline::halve(Source& source, const ChunkTaskPtr& task) {
  task->halve = false;
  const auto cuts = half_cut(source, *task);
  if (cuts.empty()) return false;
  auto children = split_at(task->chunk, cuts);
  for (auto& child : children) child.refined = true;
  store_children(task, std::move(children));
  return true;
}

void Pipeline::store_children(const ChunkTaskPtr& task, std::vector<Chunk> children) {
  auto& table = tables_[task->table];
  std::vector<ChunkTaskPtr> tasks;
  const Doing recording(Activity::target_answer);  // others may be at it
  for (auto& child : table.ledger->split(task->chunk, children)) {
    tasks.push_back(std::make_shared<ChunkTask>(task->table, std::move(child), options_.retry));
  }
  table.progress->chunks_pending += static_cast<std::int64_t>(tasks.size()) - 1;
  chunks_.replace(task, tasks);
}

void Pipeline::read_batch(Source& source, const ChunkTaskPtr& task) {
  const auto limit = static_cast<std::size_t>(tables_[task->table].plan.batch_bytes);
  BatchStreamPtr batch;
  batch = std::make_shared<BatchStream>(task, limit, pool_, stop_, [this, &batch] { batches_.push(batch); });
  try {
    RateLimited receiver(*batch, rate_);
    const auto summary = source.read(task->table, task->chunk, receiver);
    receiver.finish();
    failpoint(fp::batch_read);
    batch->finish(summary);
  } catch (const Error& error) {
    if (batch->fail(error)) throw;
    stop_if_permanent(error, task);  // the writer of an open batch has given up first, and sees to the task
  }
}

}  // namespace pghaul
