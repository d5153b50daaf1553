// How many ids a range takes, where nothing but loading it tells how many rows it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace pghaul {

// Learns from the ranges that were loaded. Where ids lie dense a range has `rows` ids; sparse ranges and empty ones make
// the next ones up to twice as wide; behind a gap the first rows tell. Threads: safe; several readers load side by side.
class RangeWidth {
 public:
  // `rows`: wanted of each range. `widest`: ids, never more.
  RangeWidth(std::uint64_t rows, std::uint64_t widest);

  struct Next {
    std::uint64_t ids = 0;
    bool searching = false;  // the last range held few rows: cut one more, then look
  };
  Next next() const;
  // A range of `ids`, the last `span` of which begin with its first row.
  void loaded(std::uint64_t ids, std::uint64_t rows, std::uint64_t span);

 private:
  const std::uint64_t rows_, widest_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::uint64_t width_;
  bool searching_ = false;
};

}  // namespace pghaul
