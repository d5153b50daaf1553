// Which chunks of a table are compared, if not all.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "plan/chunk.h"

namespace pghaul {

// Chunks by chance, another chance with each seed. Threads: safe.
class Sample {
 public:
  // Nothing: all chunks.
  Sample(std::optional<double> percent, std::uint64_t seed) : percent_(percent), seed_(seed) {}

  // The first that is asked about is taken in any case: nothing compared is nothing said.
  bool choose(const Chunk& chunk);
  // Whether it was chosen.
  bool takes(const Chunk& chunk) const;
  std::int64_t passed_over() const { return passed_over_; }

 private:
  const std::optional<double> percent_;
  const std::uint64_t seed_;
  std::atomic<std::int64_t> first_{0}, passed_over_{0};
};

}  // namespace pghaul
