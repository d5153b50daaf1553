// What is known of a chunk's rows once they are read.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/checksum.h"

namespace pghaul {

// What a reader found out about a chunk's rows.
struct BatchSummary {
  std::int64_t rows = 0;
  std::int64_t bytes = 0;          // as they travel: COPY data without the server's header and trailer
  RowChecksum checksum;            // of the rows in `record_format`
  std::string record_format;       // "binary" or "text", then the casts: what the checksum was made of
  std::string snapshot;            // pg_current_snapshot() of the transaction that read them
  std::chrono::milliseconds read_time{0};
};

}  // namespace pghaul
