// Readers, a bounded queue, writers.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/retry.h"
#include "base/stop.h"
#include "ledger/ledger.h"
#include "pipeline/batch_queue.h"
#include "pipeline/chunk_queue.h"
#include "pipeline/progress.h"
#include "pipeline/rate_limiter.h"
#include "pipeline/stages.h"
#include "pipeline/worker_gate.h"
#include "pipeline/worker_tuner.h"
#include "plan/planner.h"
#include "sink/sink.h"
#include "source/source.h"

namespace pghaul {

// How many there may be of a kind that begins with `workers`.
inline int most_workers(int workers, std::optional<int> max_workers) { return std::max(workers, max_workers.value_or(0)); }

struct PipelineOptions {
  int readers = 2;
  int writers = 2;
  std::optional<int> max_workers;  // a WorkerTuner adds to them, up to so many of each
  std::size_t queue_length = 2;
  RetryPolicy retry;
  std::optional<std::int64_t> max_chunks;
  std::optional<std::int64_t> max_rate;  // bytes per second
  Duration sleep{0};                     // of each reader after each chunk
  Stages* stages = nullptr;              // that count what threads do; null: nobody counts

  int most_readers() const { return most_workers(readers, max_workers); }
  int most_writers() const { return most_workers(writers, max_workers); }
};

// What the pipeline must know of a table. Borrowed; must outlive the pipeline.
struct PipelineTable {
  Ledger* ledger = nullptr;
  TableProgress* progress = nullptr;
  std::string name;        // for messages
  std::string key_column;  // for messages
  PlanOptions plan;
  std::int64_t bytes = 0;  // estimates for the first probes, until rows were seen
  double rows = -1;
  std::int64_t lowest = 0, highest = 0;  // bounds of key or pages, for halving open ranges
  bool ordered_key = false;              // whose bounds are no numbers
  std::vector<Chunk> chunks;             // to do
  // Called once, from any thread, when no chunk of the table is left while others may have some. May be empty; must not wait.
  std::function<void()> all_done = {};
};

// Each is called once per thread, from run()'s thread.
using SourceFactory = std::function<std::unique_ptr<Source>(int reader)>;
using SinkFactory = std::function<std::unique_ptr<Sink>(int writer)>;

// Threads: run() starts and joins all of them. Errors: the first cause, with table and range; a stop as stopped.
class Pipeline {
 public:
  Pipeline(PipelineOptions options, std::vector<PipelineTable>& tables, StopSource& stop);

  // Moves all chunks of all tables. `tick` is called from this thread several times a second.
  // True: all done. False: --max-chunks was reached before.
  bool run(const SourceFactory& make_source, const SinkFactory& make_sink, const std::function<void()>& tick);

 private:
  void tune();
  void read_loop(Source& source);
  // False: this reader has no session any more, and others go on.
  bool read_task(Source& source, const ChunkTaskPtr& task);
  bool refine(Source& source, const ChunkTaskPtr& task);
  bool cut_up(const ChunkTaskPtr& task, const RangeCut& cut);
  std::vector<std::string> probe_half(Source& source, ChunkTask& task);
  std::vector<std::string> half_cut(Source& source, ChunkTask& task);
  bool halve(Source& source, const ChunkTaskPtr& task);
  void store_children(const ChunkTaskPtr& task, std::vector<Chunk> children);
  void read_batch(Source& source, const ChunkTaskPtr& task);

  void write_loop(Sink& sink);
  bool try_write(Sink& sink, const BatchStreamPtr& batch);
  // Leaves it to whoever reads its chunk again.
  void give_back(const BatchStreamPtr& batch);
  void account(const BatchStreamPtr& batch, const WriteResult& result);

  // Calls `open` until there is a session, for at most the reconnect timeout. False: the server has no place for another
  // session, and others of `kind` are at work. `again`: it is not this worker's first.
  bool connect(const std::function<void()>& open, std::atomic<int>& connected, std::string_view kind, bool again);
  static bool may_leave(std::atomic<int>& connected, bool again);
  // Records and pauses; throws the final error when there is nothing more to try.
  void pause_or_give_up(const ChunkTaskPtr& task, const Error& error);
  // For an error in a task that somebody else sees to by now.
  void stop_if_permanent(const Error& error, const ChunkTaskPtr& task) noexcept;
  Error located(Error error, const ChunkTaskPtr& task) const;
  std::int64_t batch_rows(const PipelineTable& table) const;
  void run_thread(const std::function<void()>& body) noexcept;

  const PipelineOptions options_;
  std::vector<PipelineTable>& tables_;
  StopSource& stop_;
  ChunkQueue chunks_;
  BlockPool pool_;  // outlives the batches that are left in the queue after a stop: they give their blocks back
  BatchQueue batches_;
  RateLimiter rate_;
  WorkerGate reading_, writing_;
  // Of the thread in run():
  Stages own_stages_;      // where nobody else wants them counted
  Stages* const stages_;  // null: nobody does, and there is nothing to tune
  WorkerTuner tuner_;
  Deadline::Clock::time_point tuned_;
  StageTimes readers_before_, writers_before_;
  std::atomic<int> connected_readers_{0}, connected_writers_{0};
  std::mutex error_mutex_;
  std::optional<Error> first_error_;  // guarded by error_mutex_
};

}  // namespace pghaul
