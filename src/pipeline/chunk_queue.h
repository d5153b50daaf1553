// Chunks waiting to be read, of all tables of a job.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/retry.h"
#include "base/stop.h"
#include "plan/chunk.h"

namespace pghaul {

// A chunk on its way. Owned by whoever works on it: a reader, then a writer.
struct ChunkTask {
  ChunkTask(std::size_t table_index, Chunk planned, const RetryPolicy& policy)
      : table(table_index), chunk(std::move(planned)), retry(policy) {}

  std::size_t table;
  Chunk chunk;
  RetryState retry;
  bool halve = false;  // took longer than the statement timeout, or than a standby's recovery allows
};
using ChunkTaskPtr = std::shared_ptr<ChunkTask>;

// Threads: safe.
class ChunkQueue {
 public:
  // `most`: no more than so many chunks are handed out to be finished.
  ChunkQueue(const StopSource& stop, std::optional<std::int64_t> most) : stop_(stop), most_(most) {}

  void add(ChunkTaskPtr task);
  // Waits for a chunk. Null when all are done, the limit is reached, or a stop is requested.
  ChunkTaskPtr claim();
  // Each claimed task ends in exactly one of these.
  void complete(const ChunkTaskPtr& task);
  void give_back(const ChunkTaskPtr& task);
  void replace(const ChunkTaskPtr& parent, const std::vector<ChunkTaskPtr>& children);

  // True if chunks were left because of the limit.
  bool limit_reached() const;

 private:
  bool may_hand_out() const;

  const StopSource& stop_;
  const std::optional<std::int64_t> most_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::deque<ChunkTaskPtr> waiting_;
  std::int64_t in_flight_ = 0;
  std::int64_t completed_ = 0;
};

}  // namespace pghaul
