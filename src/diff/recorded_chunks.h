// Comparing what a copy recorded of its rows with what is there: the record stands in for the source.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "pipeline/rate_limiter.h"
#include "sink/sink.h"
#include "source/source.h"

namespace pghaul {

// A chunk that is not there as it was written.
struct ChangedChunk {
  Chunk chunk;
  std::int64_t recorded_rows = 0, rows = 0;
};

// By table and number of the chunk.
using RecordedChunks = std::vector<std::map<std::int64_t, BatchSummary>>;

// Reads nothing from anywhere. Threads: one.
class RecordSource : public Source {
 public:
  explicit RecordSource(const RecordedChunks& recorded) : recorded_(recorded) {}

  void connect() override {}
  // A recorded chunk can be compared only as it is.
  std::vector<std::string> probe_cuts(std::size_t, const Chunk&, std::int64_t, int) override { return {}; }
  BatchSummary read(std::size_t table, const Chunk& chunk, BatchReceiver&) override {
    return recorded_[table].at(chunk.no);
  }

 private:
  const RecordedChunks& recorded_;
};

// Reads the rows of each chunk, and makes their checksum as a copy does. Threads: one; `changed` is shared.
class ChecksumSink : public Sink {
 public:
  struct Changed {
    std::mutex mutex;
    std::vector<std::vector<ChangedChunk>> chunks;  // by table; guarded by mutex
    std::vector<std::int64_t> rows;                 // that are there, by table; guarded by mutex
  };

  ChecksumSink(std::unique_ptr<Source> target, Changed& changed, RateLimiter& rate)
      : target_(std::move(target)), changed_(changed), rate_(rate) {}

  void connect() override { target_->connect(); }
  WriteResult write(std::size_t table, const Chunk& chunk, const Mark& mark, Batch& batch) override;

 private:
  const std::unique_ptr<Source> target_;
  Changed& changed_;
  RateLimiter& rate_;
};

}  // namespace pghaul
