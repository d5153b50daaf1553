// Comparing as a kind of copy: a reader asks for a chunk's digest, and a writer compares it with that of the
// target. No bytes go from one to the other.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "diff/comparison_record.h"
#include "diff/digest.h"
#include "diff/digest_query.h"
#include "diff/leaf_pairs.h"
#include "diff/sample.h"
#include "pipeline/rate_limiter.h"
#include "sink/sink.h"
#include "source/pg_source.h"

namespace pghaul {

// Whose digests differ. Its rows may have changed between the two.
struct UnequalChunk : ComparedChunk {
  std::size_t table = 0;
};

struct ComparedRows {
  std::int64_t source = 0, target = 0;
};

// What the comparison of all chunks has brought so far. Threads: safe.
class Comparison {
 public:
  // With what is recorded of earlier processes.
  Comparison(std::size_t tables, ComparisonRecord& record);
  // What the source has; it waits for the target's.
  void note_source(std::size_t table, const Chunk& chunk, Digest source);
  // Compares and records. Errors: those of the record.
  void note_target(std::size_t table, const Chunk& chunk, const Digest& target);

  // In the order of tables and of chunks' numbers.
  std::vector<UnequalChunk> unequal() const;
  ComparedRows rows(std::size_t table) const;

 private:
  const Digest& waiting(std::size_t table, const Chunk& chunk) const;
  void add(std::size_t table, const ComparedChunk& chunk);

  ComparisonRecord& record_;
  mutable std::mutex mutex_;
  std::vector<UnequalChunk> unequal_;  // guarded by mutex_
  std::vector<ComparedRows> rows_;     // guarded by mutex_
  // Of chunks between reader and writer; guarded by mutex_.
  std::map<std::pair<std::size_t, std::int64_t>, Digest> waiting_;
};

// Reads digests by COPY. `tables` must say so (SourceTable::query). Threads: one.
class DigestSource : public Source {
 public:
  DigestSource(std::unique_ptr<Source> digests, std::deque<Sample>& samples, Comparison& comparison,
               RateLimiter& rate)
      : digests_(std::move(digests)), samples_(samples), comparison_(comparison), rate_(rate) {}

  void connect() override { digests_->connect(); }
  std::vector<std::string> probe_cuts(std::size_t table, const Chunk& chunk, std::int64_t rows,
                                      int most) override {
    return digests_->probe_cuts(table, chunk, rows, most);
  }
  // What is not in the sample has no rows. The summary's rows and bytes are those of the table. Holds to the
  // rate after each chunk.
  BatchSummary read(std::size_t table, const Chunk& chunk, BatchReceiver& receiver) override;

 private:
  const std::unique_ptr<Source> digests_;
  std::deque<Sample>& samples_;  // of the tables
  Comparison& comparison_;
  RateLimiter& rate_;
};

// Writes nothing. Threads: one.
class ComparingSink : public Sink {
 public:
  // `target` reads digests as well, of its own partitions.
  ComparingSink(std::unique_ptr<Source> target, const std::vector<LeafPairs>& pairs,
                const std::deque<Sample>& samples, Comparison& comparison)
      : target_(std::move(target)), pairs_(pairs), samples_(samples), comparison_(comparison) {}

  void connect() override { target_->connect(); }
  WriteResult write(std::size_t table, const Chunk& chunk, const Mark& mark, Batch& batch) override;

 private:
  const std::unique_ptr<Source> target_;
  const std::vector<LeafPairs>& pairs_;  // of the tables
  const std::deque<Sample>& samples_;
  Comparison& comparison_;
};

}  // namespace pghaul
