// What a writer does: take a batch, make it durable, try again.
#include <fmt/format.h>

#include "base/activity.h"
#include "base/log.h"
#include "base/sqlstate.h"
#include "pipeline/pipeline.h"

namespace pghaul {

void Pipeline::write_loop(Sink& sink) {
  WorkPlace place(writing_);
  if (!place.take() || !connect([&] { sink.connect(); }, connected_writers_, "writers", false)) return;
  while (place.take()) {
    const auto batch = batches_.pop();
    if (!batch) return writing_.close();
    do {
      if (!connect([&] { sink.connect(); }, connected_writers_, "writers", true)) return give_back(batch);
    } while (!try_write(sink, batch));
  }
}

void Pipeline::give_back(const BatchStreamPtr& batch) {
  // Where the reader of an open batch has failed first, it sees to the task.
  if (batch->can_rewind() || batch->give_up()) chunks_.give_back(batch->task());
}

// True: nothing is left to do here. False: try again with the same batch.
bool Pipeline::try_write(Sink& sink, const BatchStreamPtr& batch) {
  const auto& task = batch->task();
  const auto& table = tables_[task->table];
  try {
    batch->rewind();
    const auto result = sink.write(task->table, task->chunk, table.ledger->mark_for(task->chunk), *batch);
    // Nobody will take the rows of an open batch whose chunk turns out to be done: its reader, who waits for room, is told.
    if (result.outcome != MarkOutcome::written && !batch->give_up()) return true;
    account(batch, result);
    return true;
  } catch (const Error& error) {
    const bool again = batch->can_rewind();
    if (!again && !batch->give_up()) {  // the reader has failed first, and sees to the task
      stop_if_permanent(error, task);
      return true;
    }
    const bool too_long = error.sqlstate() == sqlstate::query_canceled && task->chunk.range.kind == ChunkKind::key;
    pause_or_give_up(task, error);
    task->retry.connected();
    if (again && !too_long) return false;
    task->halve = too_long;
    chunks_.give_back(task);
    return true;
  }
}

void Pipeline::account(const BatchStreamPtr& batch, const WriteResult& result) {
  const auto& task = batch->task();
  auto& progress = *tables_[task->table].progress;
  if (result.outcome == MarkOutcome::fenced) {
    throw Error(ErrorKind::failed, "another process has taken this table copy over, or started a new generation of it")
        .on(Side::target)
        .safe("nothing was written by this process since then; what it had finished before is kept")
        .advise("leave it to the new owner; pghaul status names it");
  }
  if (result.outcome == MarkOutcome::forgotten) tables_[task->table].ledger->note_forgotten();
  const bool done = result.outcome == MarkOutcome::written || result.outcome == MarkOutcome::already_done;
  if (done) ++progress.chunks;
  // Unknown for an open batch whose chunk was done already; the ledger has the figures.
  if (const auto* summary = batch->summary(); summary != nullptr && done) {
    progress.rows += summary->rows;
    progress.bytes += summary->bytes;
    count_moved(summary->rows, 0);
  }
  progress.late_rows += result.late_rows;
  const bool last = --progress.chunks_pending == 0;
  chunks_.complete(task);
  if (last && tables_[task->table].all_done) tables_[task->table].all_done();
}

}  // namespace pghaul
