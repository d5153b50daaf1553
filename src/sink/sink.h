// Where rows go, as the pipeline sees it.
#pragma once

#include <cstdint>
#include <string_view>

#include "ledger/ledger.h"

namespace pghaul {

// The bytes of one chunk. Threads: one at a time.
class Batch {
 public:
  virtual ~Batch() = default;
  // Null while the batch is still being read.
  virtual const BatchSummary* summary() const = 0;
  // The next bytes, valid until the next call; false at the end, when summary() is known. May wait for the reader.
  // Errors: whatever stopped the reader.
  virtual bool next(std::string_view& bytes) = 0;
};

struct WriteResult {
  MarkOutcome outcome = MarkOutcome::written;
  std::int64_t late_rows = 0;  // of a late chunk: rows that the target did not have
};

// One per writer, used by its thread. Connects when it is first used, and again after a loss.
// A sink makes mark and rows durable together or not at all, and says in its header how.
class Sink {
 public:
  virtual ~Sink() = default;

  // Makes sure that there is a session. Errors: connection_lost.
  virtual void connect() = 0;

  // Errors: as Error says. After any error the chunk is not done as far as this call knows; the next write of the same
  // chunk finds out by its mark whether it was after all.
  virtual WriteResult write(std::size_t table, const Chunk& chunk, const Mark& mark, Batch& batch) = 0;
};

}  // namespace pghaul
