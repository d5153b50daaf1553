// The record of what is done, as the pipeline sees it: one table copy, at one epoch.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "plan/batch_summary.h"
#include "plan/chunk.h"

namespace pghaul {

// The row of a chunk in the ledger that a sink turns to done, in the transaction that makes the rows durable.
struct Mark {
  int table_copy = 0;
  int generation = 0;
  std::int64_t epoch = 0;
  std::int64_t chunk = 0;
  int attempts = 1;
  // Numbers of chunks can be given away again by a target that forgot a split (a crash, a failover): a chunk is meant only
  // if its range is this one, too.
  ChunkRange range = {};
};

enum class MarkOutcome {
  written,       // by this call: mark and rows together
  already_done,  // an earlier try, whose answer was lost, had succeeded
  split,         // the chunk's children stand in for it
  fenced,        // another process has taken the table copy over, or a new generation began
  forgotten,     // the target has lost the chunk, with commits that it had acknowledged; a range it was cut from is pending
};

// Threads: safe. Errors: connection_lost once the reconnect timeout is over; fenced calls throw Error(failed) by
// fenced_error().
class Ledger {
 public:
  virtual ~Ledger() = default;

  // Replaces a pending chunk by children whose union is exactly the parent. The stored children with their numbers;
  // those of an earlier try whose answer was lost are found again. Empty: the chunk is done already, or forgotten.
  virtual std::vector<Chunk> split(const Chunk& parent, const std::vector<Chunk>& children) = 0;

  // Remembers a failed attempt for people; in a transaction of its own, as a rollback would erase it. Best effort.
  virtual void note_failed_attempt(const Chunk& chunk, std::string_view error) noexcept = 0;

  // A chunk turned out to be forgotten when its rows were to be marked. Nothing was written.
  virtual void note_forgotten() noexcept {}

  // All chunks not done yet, in the order of their numbers.
  virtual std::vector<Chunk> pending_chunks() = 0;

  // Throws if this process no longer owns the table copy.
  virtual void check_ownership() = 0;

  virtual Mark mark_for(const Chunk& chunk) const = 0;
};

}  // namespace pghaul
