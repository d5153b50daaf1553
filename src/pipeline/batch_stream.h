// The rows of one chunk as they travel from a reader to a writer.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/stop.h"
#include "pipeline/chunk_queue.h"
#include "sink/sink.h"
#include "source/source.h"

namespace pghaul {

// Buffers are used again and again: giving memory back to the system and fetching it anew costs a page fault per page.
// Threads: safe.
class BlockPool {
 public:
  static constexpr std::size_t block_bytes = 256 * 1024;
  std::string take();
  void give(std::string block);

 private:
  std::mutex mutex_;
  std::vector<std::string> free_;  // guarded by mutex_
};

// A batch that fits `limit` bytes is handed over when it is complete. One that turns out larger becomes an open batch: it is
// handed over at once and goes on as a bounded channel, of which the writer takes while the reader still reads.
// Threads: one reader, one writer.
class BatchStream : public Batch, public BatchReceiver {
 public:
  // `publish` hands the stream to the writers; called once, from the reader's thread.
  BatchStream(ChunkTaskPtr task, std::size_t limit, BlockPool& pool, const StopSource& stop,
              std::function<void()> publish);
  ~BatchStream() override;

  const ChunkTaskPtr& task() const { return task_; }

  // Reader's side. Errors: stopped; transient if the writer gave the batch up.
  void write(std::string_view bytes) override;
  void hurry(Deadline latest) override { latest_ = latest; }
  void finish(const BatchSummary& summary);
  // Tells the writer of an open batch that there will be no more. Of fail() and give_up() the first one decides: true
  // if the caller is now the one to look after the task.
  bool fail(const Error& error);

  // Writer's side. rewind() before each try.
  void rewind();
  // The batch is complete and all of it still here: it can be written once more.
  bool can_rewind() const;
  const BatchSummary* summary() const override;
  bool next(std::string_view& bytes) override;
  // Tells the reader of an open batch to stop. The result is as of fail().
  bool give_up();

 private:
  void push_block();

  const ChunkTaskPtr task_;
  const std::size_t limit_;
  BlockPool& pool_;
  const StopSource& stop_;
  const std::function<void()> publish_;
  // Reader's own:
  std::string filling_;
  bool published_ = false;
  Deadline latest_ = Deadline::never();
  // Writer's own:
  std::string current_;
  std::size_t position_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::deque<std::string> blocks_;
  std::size_t buffered_ = 0;
  bool streaming_ = false;  // the writer takes blocks out instead of reading over them
  bool taken_ = false;      // a block was taken out
  bool given_up_ = false;
  std::optional<BatchSummary> summary_;
  std::optional<Error> error_;
};
using BatchStreamPtr = std::shared_ptr<BatchStream>;

}  // namespace pghaul
