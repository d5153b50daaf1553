// Where rows come from, as the pipeline sees it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/batch_summary.h"
#include "plan/chunk.h"
#include "pghaul/deadline.h"

namespace pghaul {

// Takes the bytes of a batch as they are read. write() may block when the batch is larger than memory allows.
class BatchReceiver {
 public:
  virtual ~BatchReceiver() = default;
  virtual void write(std::string_view bytes) = 0;
  // From now on write() does not block for longer than until then. Errors: transient, from write().
  virtual void hurry(Deadline) {}
};

// How a coarse range is cut into pieces.
struct RangeCut {
  std::vector<std::string> cuts;  // ascending, inside the chunk; none: it is one piece
  bool rest_is_coarse = false;    // what lies behind the last cut is to be cut in its turn
};

// One per reader, used by its thread. Connects when it is first used, and again after a loss.
// Errors: as Error says; after connection_lost the next call tries to connect again.
class Source {
 public:
  virtual ~Source() = default;

  // Makes sure that there is a session. Errors: connection_lost.
  virtual void connect() = 0;

  // For sources that have no probe, or know better: how to cut a coarse chunk. Nothing: by probe_cuts().
  virtual std::optional<RangeCut> cut_range(std::size_t, const Chunk&) { return std::nullopt; }

  // At most `most` ascending keys that cut the chunk every `rows` rows, found by probing the index. Empty: the chunk
  // has not more rows than that (or is of a kind that cannot be cut).
  virtual std::vector<std::string> probe_cuts(std::size_t table, const Chunk& chunk, std::int64_t rows, int most) = 0;

  // Reads all rows of the chunk into `receiver`.
  virtual BatchSummary read(std::size_t table, const Chunk& chunk, BatchReceiver& receiver) = 0;
};

}  // namespace pghaul
